//! A web server on a thread of its own: it answers while the test blocks, and can vanish and come back on its port.

use crate::ports::free_port;
use axum::Router;
use axum::serve::ListenerExt;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Serves `router` on a port of 127.0.0.1 until it is dropped.
pub(crate) struct Server {
    router: Router,
    port: u16,
    running: Mutex<Option<Running>>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(router: Router) -> Self {
        let server = Self { router, port: free_port(), running: Mutex::new(None) };
        server.up();
        server
    }

    /// `http://127.0.0.1:port`, whether it is up or down.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Listens again. Nothing happens when it is up.
    pub(crate) fn up(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            *running = Some(serve(self.router.clone(), self.port));
        }
    }

    /// Stops listening and closes every connection, answered or not. New ones are refused when this returns.
    pub(crate) fn down(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { stop, thread }) = running else { return };
        // It may have ended by itself, which `join` tells.
        let _ = stop.send(());
        thread.join().expect("a fake does not panic");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}

/// Ends the connection of the request being answered, without an answer: the task that serves it unwinds. No panic is
/// reported, for the hook is not called.
pub(crate) fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("hung up"))
}

fn serve(router: Router, port: u16) -> Running {
    let listener = bind(port);
    listener.set_nonblocking(true).expect("sockets can be made non-blocking");
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be built");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it is non-blocking");
            // Answers are small and awaited: waiting to fill a packet would cost 40 ms each.
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            tokio::select! {
                ended = axum::serve(listener, router) => ended.expect("serving does not fail"),
                _ = stopped => {}
            }
        });
        // Dropping the runtime drops the connections' tasks, and so closes their sockets.
    });
    Running { stop, thread }
}

/// A program that is just being started may hold for a moment what this one had open, a listener on the port included.
fn bind(port: u16) -> TcpListener {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < deadline, "the port {port} is ours: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
