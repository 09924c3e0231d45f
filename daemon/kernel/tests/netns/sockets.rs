//! Options of TCP sockets, on connections over the loopback.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kernel::tcp;
use nouns::Prefix;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::world::{in_namespace, ip};

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn socket(address: &SocketAddr) -> TcpSocket {
    if address.is_ipv4() { TcpSocket::new_v4().unwrap() } else { TcpSocket::new_v6().unwrap() }
}

fn listener(address: &str, prepare: impl Fn(&TcpSocket)) -> TcpListener {
    let address: SocketAddr = address.parse().unwrap();
    let socket = socket(&address);
    tcp::set_reuse_address(&socket).unwrap();
    prepare(&socket);
    socket.bind(address).unwrap();
    socket.listen(8).unwrap()
}

/// Connects, or says that it took too long: a segment without the right signature or TTL is dropped.
async fn connect(to: SocketAddr, prepare: impl Fn(&TcpSocket)) -> io::Result<TcpStream> {
    let socket = socket(&to);
    prepare(&socket);
    let attempt = tokio::time::timeout(Duration::from_millis(300), socket.connect(to));
    attempt.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[test]
fn only_a_peer_with_the_same_key_connects() {
    in_namespace(|| {
        wait_for(async {
            for (address, peers) in [("127.0.0.1:1790", "127.0.0.0/8"), ("[::1]:1790", "::1/128")] {
                let peers: Prefix = peers.parse().unwrap();
                let listener = listener(address, |socket| tcp::set_md5_key(socket, peers, "s3cret").unwrap());
                let to = listener.local_addr().unwrap();
                let with = |key: &'static str| move |socket: &TcpSocket| tcp::set_md5_key(socket, peers, key).unwrap();
                assert!(connect(to, with("s3cret")).await.is_ok(), "{address}");
                assert!(connect(to, with("wrong")).await.is_err(), "{address}");
                assert!(connect(to, |_| ()).await.is_err(), "{address}");
                tcp::clear_md5_key(&listener, peers).unwrap();
                tcp::clear_md5_key(&listener, peers).unwrap();
                assert!(connect(to, |_| ()).await.is_ok(), "{address}");
            }
        });
    });
}

#[test]
fn an_ipv6_listener_knows_keys_of_ipv4_peers_too() {
    in_namespace(|| {
        wait_for(async {
            let peers: Prefix = "127.0.0.1/32".parse().unwrap();
            let _listener = listener("[::]:1791", |socket| tcp::set_md5_key(socket, peers, "s3cret").unwrap());
            let to: SocketAddr = "127.0.0.1:1791".parse().unwrap();
            assert!(connect(to, |socket| tcp::set_md5_key(socket, peers, "s3cret").unwrap()).await.is_ok());
            assert!(connect(to, |_| ()).await.is_err());
        });
    });
}

#[test]
fn a_password_that_no_kernel_takes_is_refused_in_words() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peers: Prefix = "192.0.2.1/32".parse().unwrap();
    for password in ["", &"x".repeat(81)] {
        let error = tcp::set_md5_key(&socket, peers, password).unwrap_err();
        assert!(error.to_string().contains("1 to 80 octets"), "{error}");
    }
    tcp::set_md5_key(&socket, peers, &"x".repeat(80)).unwrap();
}

#[test]
fn ttl_security_lets_only_the_full_ttl_through() {
    in_namespace(|| {
        wait_for(async {
            for address in ["127.0.0.1:1792", "[::1]:1792"] {
                let guarded = listener(address, |socket| {
                    tcp::set_minimum_ttl(socket, 255).unwrap();
                    tcp::set_ttl(socket, Some(255)).unwrap();
                });
                let to = guarded.local_addr().unwrap();
                assert!(connect(to, |socket| tcp::set_ttl(socket, Some(255)).unwrap()).await.is_ok(), "{address}");
                assert!(connect(to, |socket| tcp::set_ttl(socket, Some(254)).unwrap()).await.is_err(), "{address}");
            }
        });
    });
}

#[test]
fn marks_families_and_delays_are_set_and_the_queue_is_counted() {
    in_namespace(|| {
        ip("link set lo mtu 1500");
        wait_for(async {
            for address in ["127.0.0.1:1793", "[::1]:1793"] {
                let listener = listener(address, |socket| {
                    tcp::set_network_control(socket).unwrap();
                    if address.starts_with('[') {
                        tcp::set_ipv6_only(socket).unwrap();
                    }
                });
                let to = listener.local_addr().unwrap();
                let stream = connect(to, |socket| tcp::set_network_control(socket).unwrap()).await.unwrap();
                tcp::set_no_delay(&stream).unwrap();
                let (_silent, _) = listener.accept().await.unwrap();
                assert_eq!(tcp::unacknowledged_octets(&stream).unwrap(), 0);
                // Nobody reads: sooner or later the queue is full and octets wait for the peer.
                let chunk = [0; 65536];
                loop {
                    stream.writable().await.unwrap();
                    match stream.try_write(&chunk) {
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) => panic!("{error}"),
                    }
                }
                assert!(tcp::unacknowledged_octets(&stream).unwrap() > 0);
            }
        });
    });
}
