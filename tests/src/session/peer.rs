//! Somebody on a bus: a connection that a test speaks through, driven by a thread of its own.

use std::future::Future;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use zbus::{Connection, DynamicType, Message};

/// How long anything on a bus may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A connection. Closed when dropped.
#[derive(Debug)]
pub struct Peer {
    connection: Connection,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Connects to the bus at an address.
    ///
    /// # Panics
    /// That fails.
    #[must_use]
    pub fn connect(address: &str) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let address = address.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let connection = zbus::connection::Builder::address(address.as_str())
                    .method_timeout(LIMIT)
                    .build()
                    .await
                    .expect("a connection to the bus");
                tell.send((connection, Handle::current())).expect("a test");
                let _ = stopped.await;
            });
        });
        let (connection, handle) = told.recv_timeout(LIMIT).expect("a connection");
        Self {
            connection,
            handle,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Runs something on its thread's runtime, and waits for it.
    ///
    /// # Panics
    /// It takes too long.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle
            .block_on(async { tokio::time::timeout(LIMIT, work).await })
            .expect("an answer in time")
    }

    /// Runs something on its thread for as long as it is there.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(work);
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Takes a name.
    ///
    /// # Panics
    /// Somebody has it.
    pub fn own(&self, name: &str) {
        let name = name.to_owned();
        self.wait(self.connection.request_name(name))
            .expect("the name");
    }

    /// Gives a name back.
    ///
    /// # Panics
    /// It had none.
    pub fn disown(&self, name: &str) {
        let name = name.to_owned();
        let released = self.wait(self.connection.release_name(name));
        assert!(released.expect("an answer"));
    }

    /// Sends a signal to everybody, or past every match rule to one.
    ///
    /// # Panics
    /// It cannot be sent.
    pub fn signal<B: serde::Serialize + DynamicType>(
        &self,
        to: Option<&str>,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) {
        self.wait(
            self.connection
                .emit_signal(to, path, interface, member, body),
        )
        .expect("a signal");
    }

    /// Calls a method.
    ///
    /// # Errors
    /// What the service answered.
    pub fn call<B: serde::Serialize + DynamicType>(
        &self,
        service: &str,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Result<Message> {
        self.wait(
            self.connection
                .call_method(Some(service), path, Some(interface), method, body),
        )
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
