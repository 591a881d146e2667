//! Listening: http and https on loopback, the private certificate authority, and faults in front of every service.
//!
//! One task a service accepts connections, one task a connection serves it. [`Listening::stop`] asks all of them to
//! finish what they answer, gives them a moment, and ends those that still hold on (a watch never ends by itself).

mod authority;
mod strike;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) use authority::SavedAuthority;
pub use authority::{Authority, CertificateError};
pub use strike::Expired;
use strike::Lost;
pub(crate) use strike::in_front;

/// How long open answers may take to finish once the sandbox stops.
const GRACE: Duration = Duration::from_millis(300);

/// Which wire a service speaks.
#[derive(Clone)]
pub(crate) enum Wire {
    /// Plain http.
    Http,
    /// https with the sandbox's certificate.
    Https(Arc<rustls::ServerConfig>),
}

/// The running listeners.
pub(crate) struct Listening {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Binds one loopback port, `None` for one of the system's choice.
pub(crate) async fn bind(port: Option<u16>) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Listening {
    pub(crate) fn new() -> Self {
        Self { stop: watch::channel(false).0, tasks: JoinSet::new() }
    }

    /// Serves `router` on `listener` until [`Self::stop`].
    pub(crate) fn serve(&mut self, listener: TcpListener, wire: Wire, router: Router) {
        self.tasks.spawn(accept(listener, wire, router, self.stop.subscribe()));
    }

    /// Stops accepting, lets open answers finish for a moment, then closes every connection.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        let all_done = async { while self.tasks.join_next().await.is_some() {} };
        let _in_time = tokio::time::timeout(GRACE, all_done).await;
        self.tasks.shutdown().await;
    }
}

/// Accepts until told to stop; dropping the set of connections at the end closes those that outlive the grace.
async fn accept(listener: TcpListener, wire: Wire, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let told = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(converse(stream, wire.clone(), router.clone(), told.clone()));
            },
            Some(_) = connections.join_next() => {}
            _ = stop.wait_for(|stopped| *stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn converse(stream: TcpStream, wire: Wire, router: Router, stop: watch::Receiver<bool>) {
    let _delay_is_harmless = stream.set_nodelay(true);
    match wire {
        Wire::Http => answer(stream, router, stop).await,
        Wire::Https(config) => {
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                answer(stream, router, stop).await;
            }
        }
    }
}

async fn answer<S>(stream: S, router: Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), Losing(TowerToHyperService::new(router)));
    let mut connection = pin!(connection);
    tokio::select! {
        _client_gone_or_cut = connection.as_mut() => return,
        () = until_stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _finished_or_cut = connection.await;
}

/// A service that can lose its answer: the connection is then closed without one.
struct Losing(TowerToHyperService<Router>);

/// The answer was lost on purpose.
#[derive(Debug, thiserror::Error)]
#[error("a fault closed the connection in the place of an answer")]
struct LostOnPurpose;

impl Service<http::Request<Incoming>> for Losing {
    type Response = Response;
    type Error = LostOnPurpose;
    type Future = Pin<Box<dyn Future<Output = Result<Response, LostOnPurpose>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            let Ok(answer) = answer.await;
            if answer.extensions().get::<Lost>().is_some() { Err(LostOnPurpose) } else { Ok(answer) }
        })
    }
}

async fn until_stopped(stop: &mut watch::Receiver<bool>) {
    let _closed_counts_as_stopped = stop.wait_for(|stopped| *stopped).await;
}
