package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var groupTopics = []string{"group-one", "group-twelve"}

type place struct {
	topic     string
	partition int32
}

type spot struct {
	place
	offset int64
}

// What the group has been given and what it has committed, under one lock.
type ledger struct {
	sync.Mutex
	next, committed map[place]int64
	values          map[spot][]byte
	redelivered     int
}

func newLedger() *ledger {
	return &ledger{next: map[place]int64{}, committed: map[place]int64{}, values: map[spot][]byte{}}
}

func (l *ledger) delivered(record *kgo.Record) {
	l.Lock()
	defer l.Unlock()
	at := place{record.Topic, record.Partition}
	check(record.Offset <= l.next[at], "%v: %d delivered, %d skipped", at, record.Offset, l.next[at])
	check(record.Offset >= l.committed[at], "%v: %d came after its commit", at, record.Offset)
	if record.Offset < l.next[at] {
		l.redelivered++
		check(bytes.Equal(l.values[spot{at, record.Offset}], record.Value), "%v: two values at %d", at, record.Offset)
		return
	}
	l.values[spot{at, record.Offset}] = record.Value
	l.next[at] = record.Offset + 1
}

func (l *ledger) acknowledged(topic string, partition int32, offset int64) {
	l.Lock()
	defer l.Unlock()
	at := place{topic, partition}
	l.committed[at] = max(offset, l.committed[at])
}

func (l *ledger) count() int {
	l.Lock()
	defer l.Unlock()
	return len(l.values)
}

// A member of the group in its own goroutine: poll, note, commit; leaves when told.
type member struct {
	name     string
	client   *kgo.Client
	leaving  context.CancelFunc
	done     chan struct{}
	mu       sync.Mutex
	assigned map[place]bool
}

func join(l *ledger, name string) *member {
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{name: name, leaving: cancel, done: make(chan struct{}), assigned: map[place]bool{}}
	note := func(held bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) { m.note(changed, held) }
	}
	m.client = open(kgo.ConsumerGroup("matrix"), kgo.ConsumeTopics(groupTopics...), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(300*time.Millisecond),
		kgo.OnPartitionsAssigned(note(true)), kgo.OnPartitionsRevoked(note(false)), kgo.OnPartitionsLost(note(false)))
	go m.run(ctx, l)
	return m
}

func (m *member) note(changed map[string][]int32, held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range changed {
		for _, partition := range partitions {
			if held {
				m.assigned[place{topic, partition}] = true
			} else {
				delete(m.assigned, place{topic, partition})
			}
		}
	}
}

func (m *member) partitions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.assigned)
}

func (m *member) run(ctx context.Context, l *ledger) {
	defer close(m.done)
	for ctx.Err() == nil {
		fetches := m.client.PollFetches(ctx)
		records := fetches.Records()
		for _, record := range records {
			l.delivered(record)
		}
		m.commit(l, records)
		m.client.AllowRebalance()
	}
	m.client.Close()
}

// A commit that fails (a rebalance, the broker is down) leaves its records to be delivered again.
func (m *member) commit(l *ledger, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := m.client.CommitRecords(ctx, records...); err != nil {
		fmt.Printf("%s: commit: %v\n", m.name, err)
		return
	}
	for _, record := range records {
		l.acknowledged(record.Topic, record.Partition, record.Offset+1)
	}
}

func (m *member) leave() {
	m.leaving()
	select {
	case <-m.done:
	case <-time.After(patience):
		check(false, "%s does not leave", m.name)
	}
}

func groupOfThree() int {
	l, produced := newLedger(), 0
	producer := open()
	produce := func(tag string, between func()) {
		done := make(chan struct{})
		for seq := range 600 {
			if seq == 300 {
				go func() { between(); close(done) }()
			}
			topic := "group-twelve"
			if seq%4 == 0 {
				topic = "group-one"
			}
			send(producer, topic, seq%50, tag, seq, time.Time{})
		}
		<-done
		flush(producer)
		produced += 600
	}
	settled := func(what string, members ...*member) {
		waitFor(what, func() bool {
			held := 0
			for _, m := range members {
				if m.partitions() == 0 {
					return false
				}
				held += m.partitions()
			}
			return held == 13 && l.count() == produced
		})
	}
	produce("first", func() {})
	a, b, c := join(l, "A"), join(l, "B"), join(l, "C")
	settled("three members to share the topics", a, b, c)
	produce("second", c.leave)
	settled("two members to take over", a, b)
	d := join(l, "D")
	produce("third", restartBroker)
	settled("three members after a restart", a, b, d)
	for _, m := range []*member{a, b, d} {
		m.leave()
	}
	producer.Close()
	committedIsEnd()
	exactlyOnce(l)
	return l.redelivered
}

// Asks with a client of its own: one from before the kill may still hold a connection that died with the broker, and
// franz-go does not ask again for a coordinator when that ends.
func committedIsEnd() {
	client := open()
	defer client.Close()
	committed, err := kadm.NewClient(client).FetchOffsets(context.Background(), "matrix")
	check(err == nil, "committed offsets: %v", err)
	for _, topic := range groupTopics {
		for partition, end := range endOffsets(topic) {
			found, exists := committed.Lookup(topic, partition)
			check(end == 0 || exists && found.At == end, "%s-%d: committed %d, end %d", topic, partition, found.At, end)
		}
	}
}

func exactlyOnce(l *ledger) {
	type identity struct {
		tag string
		seq int
	}
	inLog, distinct := 0, map[identity]bool{}
	for _, topic := range groupTopics {
		for partition, end := range endOffsets(topic) {
			last := map[string]int{}
			for offset := range end {
				inLog++
				tag, seq := parse(l.values[spot{place{topic, partition}, offset}])
				previous, found := last[tag]
				check(!found || seq > previous, "%s-%d: %s|%d out of order", topic, partition, tag, seq)
				last[tag] = seq
				distinct[identity{tag, seq}] = true
			}
		}
	}
	check(inLog == 1800 && len(distinct) == 1800, "%d records in the log, %d distinct", inLog, len(distinct))
}
