# Three small images from one build: `backend`, `worker`, and `vigil` (everything in one process, the default).
#
#   docker build -t vigil .
#   docker build -t vigil-backend --target backend .
#   docker build -t vigil-worker --target worker .

FROM rust:1.94-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked -p vigil -p vigil-backend -p vigil-worker \
 && mkdir /out \
 && cp target/release/vigil target/release/vigil-backend target/release/vigil-worker /out/

# Roots of certificate authorities are compiled in, so nothing but libc is needed.
FROM debian:bookworm-slim AS base
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/vigil --create-home vigil \
 && install -d -o vigil -g vigil -m 700 /var/lib/vigil/data
USER vigil
WORKDIR /var/lib/vigil
COPY --from=build /out/vigil /usr/local/bin/
ENV VIGIL_HTTP__LISTEN=0.0.0.0:8000

FROM base AS backend
COPY --from=build /out/vigil-backend /usr/local/bin/
EXPOSE 8000
CMD ["vigil-backend"]

FROM base AS worker
COPY --from=build /out/vigil-worker /usr/local/bin/
CMD ["vigil-worker"]

# SQLite, keys and all state in the volume.
FROM base AS vigil
VOLUME /var/lib/vigil/data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["vigil", "healthcheck"]
CMD ["vigil"]
