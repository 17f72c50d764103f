package main

import (
	"bufio"
	"context"
	"fmt"
	"hash/crc32"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
)

type finding struct {
	partition int32
	records   int64
	checksum  uint32
}

// Reads a whole topic and writes, for each key, the number of its records and their CRC-32C in the
// order in which they came, each record followed by a line feed.
func readFiles(topic, output string) {
	ends := endOffsets(topic)
	left := total(ends)
	client := open(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxPartitionBytes(4<<20))
	defer client.Close()
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	found, next := map[string]*finding{}, map[int32]int64{}
	for left > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		fetches := client.PollFetches(ctx)
		cancel()
		check(fetches.Err() == nil, "%d records left: %v", left, fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			check(record.Offset == next[record.Partition], "%s-%d: offset %d, not %d", topic, record.Partition,
				record.Offset, next[record.Partition])
			next[record.Partition]++
			left--
			key := found[string(record.Key)]
			if key == nil {
				key = &finding{partition: record.Partition}
				found[string(record.Key)] = key
			}
			check(key.partition == record.Partition, "%s is in partitions %d and %d", record.Key, key.partition, record.Partition)
			key.records++
			key.checksum = crc32.Update(crc32.Update(key.checksum, castagnoli, record.Value), castagnoli, []byte{'\n'})
		})
	}
	write(found, output)
	fmt.Printf("{\"client\": \"franz-go\", \"ok\": true, \"records\": %d}\n", total(ends))
}

func write(found map[string]*finding, output string) {
	file, err := os.Create(output)
	check(err == nil, "%v", err)
	writer := bufio.NewWriter(file)
	for key, its := range found {
		fmt.Fprintf(writer, "%s\t%d\t%d\n", key, its.records, its.checksum)
	}
	check(writer.Flush() == nil && file.Close() == nil, "cannot write %s", output)
}
