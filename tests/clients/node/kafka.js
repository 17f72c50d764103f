// kafkajs with its codecs, and reading a topic to its end.
'use strict'

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs')
const lz4 = require('lz4js')
const xxh32 = require('lz4js/xxh32')
const { ZstdCodec } = require('zstd-codec')
const { check, waitFor } = require('./values')

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  // lz4js marks its blocks as dependent on each other, which Kafka refuses. Ours is one block, which
  // depends on nothing: say so, and renew the header's checksum byte.
  compress: async (encoder) => {
    const frame = Buffer.from(lz4.compress(encoder.buffer))
    frame[4] |= 0x20
    frame[6] = xxh32.hash(0, frame, 4, 2) >>> 8
    return frame
  },
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
})
const zstd = new Promise((resolve) => ZstdCodec.run((codec) => resolve(new codec.Simple())))
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => Buffer.from((await zstd).compress(encoder.buffer, 3)),
  decompress: async (buffer) => Buffer.from((await zstd).decompress(buffer)),
})

const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

const kafka = new Kafka({
  brokers: [process.env.BOOTSTRAP],
  clientId: 'matrix',
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 100 },
})
const admin = kafka.admin()

async function endOffsets(topic) {
  const offsets = await admin.fetchTopicOffsets(topic)
  return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
}

let reads = 0

// Reads `count` records of a topic with a group of its own. `from` is 'earliest', 'latest' or the
// offset in partition 0; `ready` is called once the position is fixed.
async function read(topic, from, count, ready = async () => {}) {
  const groupId = `reader-${process.pid}-${reads++}`
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, allowAutoTopicCreation: false })
  const records = []
  let fetched = false
  consumer.on(consumer.events.FETCH, () => (fetched = true))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: from !== 'latest' })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      const offset = Number(message.offset)
      if (typeof from !== 'number' || offset >= from) records.push({ partition, offset, value: message.value })
    },
  })
  if (typeof from === 'number') consumer.seek({ topic, partition: 0, offset: String(from) })
  await waitFor('the first fetch', () => fetched)
  await ready()
  await waitFor(`${count} records of ${topic}`, () => records.length >= count)
  await consumer.disconnect()
  check(records.length === count, `${topic}: ${records.length} records instead of ${count}`)
  return records
}

module.exports = { kafka, admin, CODECS, endOffsets, read }
