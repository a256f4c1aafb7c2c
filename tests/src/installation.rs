//! Vigil as people run it: its own programs, in real time, from a directory of their own. What they say to Telegram
//! arrives at the fake.

use std::time::Duration;

use crate::{
    api::Api,
    app::{ADMIN, BOT_TOKEN, KEY},
    fakes::FakeTelegram,
    ports::free_port,
    process::{Process, Program},
    programs,
    scratch::Scratch,
    services::{Postgres, Redis},
};

/// How long a program may take until it is ready, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which programs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `vigil` on SQLite and the in-process queue, started in an empty directory.
    OneProcess,
    /// So many `vigil-backend` and `vigil-worker`, on PostgreSQL and Redis.
    Distributed { backends: usize, workers: usize },
}

/// Running programs, and who is signed in at them. Gone with their data on drop.
pub struct Installation {
    /// The first program that serves the API, as its admin.
    pub api: Api,
    /// Programs that serve the API, with their addresses.
    pub backends: Vec<(Process, String)>,
    pub workers: Vec<Process>,
    pub telegram: FakeTelegram,
    _redis: Option<Redis>,
    /// Where the programs run.
    pub home: Scratch,
}

impl Installation {
    /// Starts one that reads from the data source at `datasource`. `settings` are variables over those of tests.
    ///
    /// # Panics
    /// When a program is not ready in time.
    pub async fn start(layout: Layout, datasource: &str, settings: &[(&str, &str)]) -> Self {
        let datasource = ("VIGIL_DATASOURCE__URL", datasource);
        Self::configured(layout, &[&[datasource], settings].concat()).await
    }

    /// Starts one process that has no data source but itself.
    ///
    /// # Panics
    /// When it is not ready in time.
    pub async fn on_its_own() -> Self {
        Self::configured(Layout::OneProcess, &[]).await
    }

    async fn configured(layout: Layout, settings: &[(&str, &str)]) -> Self {
        let (telegram, home) = (FakeTelegram::start(), Scratch::new());
        telegram.add_token(BOT_TOKEN);
        let program = |name: &str| {
            let program = Program::new(programs::workspace(name)).clean_env().directory(home.path());
            let program = program.env("VIGIL_AUTH__BCRYPT_COST", "4");
            let program = program.env("VIGIL_ADMIN__USERNAME", ADMIN.0).env("VIGIL_ADMIN__PASSWORD", ADMIN.1);
            let program = program.env("VIGIL_TELEGRAM__API_URL", telegram.url());
            settings.iter().fold(program, |program, (name, value)| program.env(name, value))
        };
        let (mut backends, mut workers, mut kept) = (vec![], vec![], None);
        match layout {
            Layout::OneProcess => backends.push(serving(program("vigil")).await),
            Layout::Distributed { backends: b, workers: w } => {
                let (database, redis) = (Postgres::shared().await.create_database().await, Redis::start().await);
                let program = |name: &str| {
                    let program = program(name).env("VIGIL_DATABASE__URL", &database);
                    let program = program.env("VIGIL_REDIS__URL", redis.url()).env("VIGIL_SECRETS__KEY", KEY);
                    program.env("VIGIL_AUTH__JWT_SECRET", KEY)
                };
                program("vigil").arg("migrate").run();
                for _ in 0..b {
                    backends.push(serving(program("vigil-backend")).await);
                }
                workers.extend((0..w).map(|_| Process::start(program("vigil-worker"))));
                kept = Some(redis);
            }
        }
        let (_, url) = backends.first().expect("every layout serves the API");
        let api = Api::new(url).signed_in(ADMIN.0, ADMIN.1).await;
        Self { api, backends, workers, telegram, _redis: kept, home }
    }

    /// All that the programs have printed.
    pub fn output(&self) -> String {
        let programs = self.backends.iter().map(|(process, _)| process).chain(&self.workers);
        programs.map(Process::output).collect()
    }

    /// Whether every program still runs.
    pub fn is_running(&mut self) -> bool {
        self.backends.iter_mut().map(|(process, _)| process).chain(&mut self.workers).all(Process::is_running)
    }
}

/// Starts a program that serves the API on a free port, and waits until it is ready.
async fn serving(program: Program) -> (Process, String) {
    let listen = format!("127.0.0.1:{}", free_port());
    let mut process = Process::start(program.env("VIGIL_HTTP__LISTEN", &listen));
    let url = format!("http://{listen}");
    process.until_healthy(&format!("{url}/readyz"), PATIENCE).await;
    (process, url)
}
