#!/bin/sh
# Write three records and read them back with kcat (apt install kcat).
server=${BOOTSTRAP:-127.0.0.1:9092}

printf 'hello 0\nhello 1\nhello 2\n' | kcat -P -b "$server" -t greetings-kcat
kcat -C -b "$server" -t greetings-kcat -o beginning -e -q -f '%p %o %s\n'
