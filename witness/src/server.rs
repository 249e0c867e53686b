//! The witness as an HTTP server: `POST /add-checkpoint` and `GET /HASH/checkpoint`.
//!
//! Bodies are limited, slow clients are cut off, and only so many connections are served at once; a request that is
//! not understood costs nothing but its connection. TLS is left to whatever stands before it.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use provenote_ledger::CosignerKey;
use provenote_ledger::witness::{ADD_CHECKPOINT, MAX_REQUEST, TEXT};
use tokio::sync::Semaphore;

use crate::folder::{Folder, FolderError};

/// Why a witness cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is no place to listen.
    #[error("the witness cannot listen at {address}: {source}; give another address, HOST:PORT")]
    Listen {
        /// What was given.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The system gives no means to serve.
    #[error("the witness cannot serve: {0}")]
    System(#[source] io::Error),
    /// The folder failed.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// How much a client may ask of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections served at once; others wait in the system's queue.
    pub connections: usize,
    /// How long the head of a request may take to arrive, and a connection may idle.
    pub head: Duration,
    /// How long its body may take.
    pub body: Duration,
    /// How long a connection may last in all.
    pub connection: Duration,
    /// How long requests under way may take after the server was told to stop.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connections: 256, head: seconds(10), body: seconds(10), connection: seconds(120), farewell: seconds(5) }
    }
}

/// Seconds since 1970; the edge reads the clock.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A witness that listens, but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    key: CosignerKey,
    shared: Arc<Shared>,
}

struct Shared {
    folder: Mutex<Folder>,
    clock: Clock,
    limits: Limits,
}

impl Server {
    /// Listens at `address`, `HOST:PORT`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub fn bind(address: &str, folder: Folder, clock: Clock, limits: Limits) -> Result<Self, ServeError> {
        let listen = || {
            let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
            let listener = TcpListener::bind(addresses.as_slice())?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) =
            listen().map_err(|source| ServeError::Listen { address: address.to_owned(), source })?;
        let key = folder.key().clone();
        Ok(Self { listener, address, key, shared: Arc::new(Shared { folder: Mutex::new(folder), clock, limits }) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The witness's key, to be printed as a vkey.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        &self.key
    }

    /// Serves until the future ends, then finishes what is under way and returns. See [`told_to_stop`].
    ///
    /// # Errors
    /// [`ServeError::System`].
    pub fn serve(self, until: impl Future<Output = ()>) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // They wait for the one folder, and for the disk.
            .max_blocking_threads(4)
            .build()
            .map_err(ServeError::System)?;
        runtime.block_on(self.run(until)).map_err(ServeError::System)
    }

    async fn run(self, until: impl Future<Output = ()>) -> io::Result<()> {
        let Self { listener, shared, .. } = self;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let limits = shared.limits;
        let places = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(16 * 1024).half_close(true);
        let mut until = pin!(until);
        loop {
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place.map_err(io::Error::other)?,
                () = &mut until => break,
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut until => break,
            };
            let Ok((stream, _)) = accepted else {
                // The process has no more file descriptors, or the client is gone: others go on meanwhile.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let shared = Arc::clone(&shared);
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                // A client that breaks off or is cut off is nobody's error.
                let _ = tokio::time::timeout(limits.connection, connection).await;
                drop(place);
            });
        }
        drop(listener);
        let _ = tokio::time::timeout(limits.farewell, graceful.shutdown()).await;
        Ok(())
    }
}

/// Ends when the process is told to stop: SIGTERM, or an interrupt from the keyboard. For [`Server::serve`].
pub async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

type Reply = Response<Full<Bytes>>;

fn reply(status: u16, kind: &'static str, body: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn text(status: u16, sentence: &str) -> Reply {
    reply(status, TEXT, format!("{sentence}\n"))
}

fn only(method: &'static str) -> Reply {
    let mut reply = text(405, "this method is not served here");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    reply
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let path = request.uri().path().strip_prefix('/').unwrap_or_default();
    if path == ADD_CHECKPOINT {
        return Ok(if request.method() == Method::POST { add_checkpoint(shared, request).await } else { only("POST") });
    }
    let Some(hash) = path.strip_suffix("/checkpoint").filter(|hash| hash.len() == 64).map(str::to_owned) else {
        return Ok(text(404, "there is nothing here"));
    };
    if request.method() != Method::GET {
        return Ok(only("GET"));
    }
    Ok(with_folder(shared, move |folder, _| {
        Ok(match folder.checkpoint(&hash)? {
            Some(note) => reply(200, TEXT, note),
            None => text(404, "this witness has cosigned no checkpoint of that log"),
        })
    })
    .await)
}

async fn add_checkpoint(shared: Arc<Shared>, request: Request<Incoming>) -> Reply {
    let body = request.into_body();
    let too_long = || text(413, "no request is so long");
    if body.size_hint().lower() > MAX_REQUEST as u64 {
        return too_long();
    }
    let body = match tokio::time::timeout(shared.limits.body, Limited::new(body, MAX_REQUEST).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => return too_long(),
        Ok(Err(_)) => return text(400, "the request broke off"),
        Err(_) => return text(408, "the request took too long to arrive"),
    };
    with_folder(shared, move |folder, seconds| {
        Ok(match folder.add_checkpoint(&body, seconds)? {
            Ok(body) => reply(200, TEXT, body),
            Err(refusal) => reply(refusal.status(), refusal.content_type(), refusal.body()),
        })
    })
    .await
}

/// Does something with the folder, where waiting for the disk holds up nobody else's network.
async fn with_folder(
    shared: Arc<Shared>,
    act: impl FnOnce(&mut Folder, u64) -> Result<Reply, FolderError> + Send + 'static,
) -> Reply {
    let acted = tokio::task::spawn_blocking(move || {
        // What a panic left is safe to go on from: a record is forgotten before it is written, and read again.
        let mut folder = shared.folder.lock().unwrap_or_else(PoisonError::into_inner);
        match (shared.clock)() {
            // A cosignature of time 0 would mean something else (C2SP tlog-cosignature).
            0 => Ok(text(500, "the witness's clock is not set")),
            seconds => act(&mut folder, seconds),
        }
    });
    // What failed on this machine's disk is none of the client's business.
    acted.await.ok().and_then(Result::ok).unwrap_or_else(|| text(500, "the witness cannot keep its records now"))
}
