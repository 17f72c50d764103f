// franz-go: the four phases of ../README.md, or with `read-files TOPIC OUTPUT` the reading side of the real-input test.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	patience = 90 * time.Second
	perTag   = 60
	text     = "the quick brown fox jumps over the lazy dog 0123456789 "
)

var codecs = []struct {
	name  string
	codec kgo.CompressionCodec
}{
	{"none", kgo.NoCompression()}, {"gzip", kgo.GzipCompression()}, {"snappy", kgo.SnappyCompression()},
	{"lz4", kgo.Lz4Compression()}, {"zstd", kgo.ZstdCompression()},
}

var modes = []struct {
	name string
	opts []kgo.Opt
}{
	{"acks0", []kgo.Opt{kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite()}},
	{"acks1", []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()}},
	{"all", []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite()}},
	{"idempotent", nil},
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "read-files" {
		readFiles(os.Args[2], os.Args[3])
		return
	}
	tags := codecsAndAcks()
	before := []uint32{complete("one", tags), complete("twelve", tags)}
	positions()
	redelivered := groupOfThree()
	after := []uint32{complete("one", tags), complete("twelve", tags)}
	check(before[0] == after[0] && before[1] == after[1], "the topics read differently after the restart")
	names := []string{}
	for _, codec := range codecs {
		names = append(names, codec.name)
	}
	verdict, _ := json.Marshal(map[string]any{"client": "franz-go", "ok": true, "codecs": names,
		"records": 2 * len(tags) * perTag, "redelivered": redelivered})
	fmt.Println(string(verdict))
}

func codecsAndAcks() []string {
	tags := []string{}
	for _, codec := range codecs {
		for _, mode := range modes {
			tag := codec.name + "-" + mode.name
			client := open(append(mode.opts, kgo.ProducerBatchCompression(codec.codec))...)
			for seq := range perTag {
				for _, topic := range []string{"one", "twelve"} {
					send(client, topic, seq%24, tag, seq, time.Time{})
				}
			}
			flush(client)
			client.Close()
			tags = append(tags, tag)
		}
	}
	return tags
}

// Reads a whole topic; acks=0 may still be on its way, so the end is waited for.
func complete(topic string, tags []string) uint32 {
	expected := len(tags) * perTag
	var ends map[int32]int64
	waitFor(fmt.Sprintf("%d records in %s", expected, topic), func() bool {
		ends = endOffsets(topic)
		return total(ends) >= int64(expected)
	})
	seen := map[string]int{}
	sum := uint32(0)
	for partition := int32(0); int(partition) < len(ends); partition++ {
		last := map[string]int{}
		for at, record := range read(topic, partition, kgo.NewOffset().AtStart(), int(ends[partition]), nil) {
			check(record.Offset == int64(at), "%s-%d: offset %d at place %d", topic, partition, record.Offset, at)
			tag, seq := parse(record.Value)
			previous, found := last[tag]
			check(!found || seq > previous, "%s-%d: %s|%d after %d", topic, partition, tag, seq, previous)
			last[tag] = seq
			seen[tag]++
			sum = crc32.Update(sum, crc32.IEEETable, record.Value)
		}
	}
	for _, tag := range tags {
		check(seen[tag] == perTag, "%s: %s has %d records of %d", topic, tag, seen[tag], perTag)
	}
	return sum
}

func positions() {
	base := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for half, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.ZstdCompression()} {
		client := open(kgo.ProducerBatchCompression(codec))
		for seq := half * 50; seq < half*50+50; seq++ {
			send(client, "positions", 0, "positions", seq, base.Add(time.Duration(seq)*time.Second))
		}
		flush(client)
		client.Close()
	}
	expect := func(what string, records []*kgo.Record, first int) {
		for at, record := range records {
			_, seq := parse(record.Value)
			check(seq == first+at, "%s: %d instead of %d", what, seq, first+at)
		}
	}
	expect("from the start", read("positions", 0, kgo.NewOffset().AtStart(), 100, nil), 0)
	expect("from offset 40", read("positions", 0, kgo.NewOffset().At(40), 60, nil), 40)
	byTime := kgo.NewOffset().AfterMilli(base.UnixMilli() + 69_500)
	expect("from a timestamp", read("positions", 0, byTime, 30, nil), 70)
	tail := read("positions", 0, kgo.NewOffset().At(endOffsets("positions")[0]), 1, func() {
		client := open()
		send(client, "positions", 0, "positions", 100, time.Time{})
		flush(client)
		client.Close()
	})
	expect("from the end", tail, 100)
}

// Reads exactly `count` records of one partition.
func read(topic string, partition int32, from kgo.Offset, count int, ready func()) []*kgo.Record {
	if count == 0 {
		return nil
	}
	client := open(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: from}}))
	defer client.Close()
	if ready != nil {
		ready()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	records := []*kgo.Record{}
	for len(records) < count {
		fetches := client.PollFetches(ctx)
		check(fetches.Err() == nil, "%s-%d: %v", topic, partition, fetches.Err())
		records = append(records, fetches.Records()...)
	}
	check(len(records) == count, "%s-%d: %d records instead of %d", topic, partition, len(records), count)
	return records
}

func open(opts ...kgo.Opt) *kgo.Client {
	base := []kgo.Opt{kgo.SeedBrokers(os.Getenv("BOOTSTRAP")), kgo.ProducerLinger(5 * time.Millisecond),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))}
	client, err := kgo.NewClient(append(base, opts...)...)
	check(err == nil, "%v", err)
	return client
}

func send(client *kgo.Client, topic string, key int, tag string, seq int, at time.Time) {
	record := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "key-%d", key), Value: value(tag, seq), Timestamp: at}
	client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
		check(err == nil, "%s %s|%d: %v", topic, tag, seq, err)
	})
}

func flush(client *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := client.Flush(ctx)
	check(err == nil, "flush: %v", err)
}

func endOffsets(topic string) map[int32]int64 {
	client := open()
	defer client.Close()
	listed, err := kadm.NewClient(client).ListEndOffsets(context.Background(), topic)
	check(err == nil, "end offsets of %s: %v", topic, err)
	ends := map[int32]int64{}
	listed.Each(func(offset kadm.ListedOffset) {
		check(offset.Err == nil, "%s-%d: %v", topic, offset.Partition, offset.Err)
		ends[offset.Partition] = offset.Offset
	})
	return ends
}

func total(offsets map[int32]int64) (sum int64) {
	for _, offset := range offsets {
		sum += offset
	}
	return sum
}

func value(tag string, seq int) []byte {
	body := fmt.Sprintf("%d:%s", seq*7919%1000003, strings.Repeat(text, 20)[:seq*37%900])
	return fmt.Appendf(nil, "%s|%d|%08x|%s", tag, seq, crc32.ChecksumIEEE([]byte(body)), body)
}

func parse(data []byte) (string, int) {
	parts := strings.SplitN(string(data), "|", 4)
	check(len(parts) == 4, "no value of ours: %.60s", data)
	crc := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(parts[3])))
	check(crc == parts[2], "checksum of %s|%s", parts[0], parts[1])
	seq, err := strconv.Atoi(parts[1])
	check(err == nil, "%v", err)
	return parts[0], seq
}

func restartBroker() {
	fmt.Println("@restart")
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	check(strings.TrimSpace(line) == "restarted", "the test answers @restart")
}

func waitFor(what string, ready func() bool) {
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(20 * time.Millisecond) {
		check(time.Now().Before(deadline), "waited %v for %s", patience, what)
	}
}

func check(condition bool, format string, args ...any) {
	if !condition {
		fmt.Printf("franz-go: "+format+"\n", args...)
		os.Exit(1)
	}
}
