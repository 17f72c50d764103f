use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};

use super::*;
use crate::io::executor::tests::{on_core, run_on_shard};
use crate::io::recv_buffer::RecvBuffer;
use crate::io::socket::Socket as ShardSocket;

pub(crate) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[test]
fn a_group_shares_one_port() {
    let group = bind_group(ANY_PORT, 3, ListenOptions::default()).unwrap();
    let addresses: Vec<_> = group.iter().map(|l| l.local_address().unwrap()).collect();
    assert_ne!(addresses[0].port(), 0);
    assert!(
        addresses.iter().all(|a| *a == addresses[0]),
        "{addresses:?}"
    );
}

#[test]
fn an_occupied_port_is_an_error_even_if_its_owner_would_share_it() {
    let alone = StdListener::bind(ANY_PORT).unwrap();
    let group = bind_group(ANY_PORT, 2, ListenOptions::default()).unwrap();
    for taken in [
        alone.local_addr().unwrap(),
        group[0].local_address().unwrap(),
    ] {
        let error = bind_group(taken, 1, ListenOptions::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("another process"), "{error}");
    }
}

#[test]
fn a_port_is_free_again_after_its_connections_are_closed() {
    let group = bind_group(ANY_PORT, 1, ListenOptions::default()).unwrap();
    let address = group[0].local_address().unwrap();
    let client = TcpStream::connect(address).unwrap();
    drop(group);
    drop(client);
    bind_group(address, 2, ListenOptions::default()).unwrap();
}

#[test]
fn an_accepted_connection_may_be_adopted_by_another_shard() {
    let mut group = bind_group(ANY_PORT, 1, ListenOptions::default()).unwrap();
    let listener = group.pop().unwrap();
    let address = listener.local_address().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let raw = run_on_shard(move || async move { listener.listen_here().unwrap().accept().await });
    assert_eq!(raw.peer(), client.local_addr().unwrap());
    let shard = on_core(1, move || async move {
        let mut socket = ShardSocket::adopt(raw);
        let mut buffer = RecvBuffer::new();
        while socket.recv(&mut buffer).await.unwrap() > 0 {}
        buffer.len_bytes()
    });
    io::Write::write_all(&mut client, b"hello").unwrap();
    drop(client);
    assert_eq!(shard.join().unwrap(), 5);
}
