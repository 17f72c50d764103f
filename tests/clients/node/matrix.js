// kafkajs: the four phases of ../README.md.
'use strict'

const { Partitioners } = require('kafkajs')
const { kafka, admin, CODECS, endOffsets, read } = require('./kafka')
const { groupOfThree } = require('./group')
const { value, parse, check, waitFor, crc32 } = require('./values')

const RECORDS = 60
const MODES = [['acks0', 0, false], ['acks1', 1, false], ['all', -1, false], ['idempotent', -1, true]]

async function openProducer(idempotent) {
  const createPartitioner = Partitioners.DefaultPartitioner
  const producer = kafka.producer({ idempotent, createPartitioner, maxInFlightRequests: 1, allowAutoTopicCreation: false })
  await producer.connect()
  return producer
}

async function codecsAndAcks() {
  const tags = []
  for (const [codec, compression] of Object.entries(CODECS)) {
    for (const [mode, acks, idempotent] of MODES) {
      const tag = `${codec}-${mode}`
      const producer = await openProducer(idempotent)
      for (let at = 0; at < RECORDS; at += 20) {
        const messages = Array.from({ length: 20 }, (_, i) => ({ key: `key-${(at + i) % 24}`, value: value(tag, at + i) }))
        const topicMessages = ['one', 'twelve'].map((topic) => ({ topic, messages }))
        await producer.sendBatch({ acks, compression, topicMessages })
      }
      await producer.disconnect()
      tags.push(tag)
    }
  }
  return tags
}

// Reads a whole topic; acks=0 may still be on its way, so the end is waited for.
async function complete(topic, tags) {
  const expected = tags.length * RECORDS
  const total = async () => [...(await endOffsets(topic)).values()].reduce((a, b) => a + b)
  await waitFor(`${expected} records in ${topic}`, async () => (await total()) >= expected)
  const seen = new Map()
  const next = new Map()
  const last = new Map()
  const sums = new Map()
  for (const { partition, offset, value } of await read(topic, 'earliest', await total())) {
    check(offset === (next.get(partition) ?? 0), `${topic}-${partition}: a gap before ${offset}`)
    next.set(partition, offset + 1)
    const { tag, seq } = parse(value)
    const run = `${partition} ${tag}`
    check(seq > (last.get(run) ?? -1), `${topic}-${partition}: ${tag}|${seq} after ${last.get(run)}`)
    last.set(run, seq)
    seen.set(tag, (seen.get(tag) ?? 0) + 1)
    sums.set(partition, crc32(value, sums.get(partition)))
  }
  for (const tag of tags) check(seen.get(tag) === RECORDS, `${topic}: ${tag} has ${seen.get(tag)} of ${RECORDS}`)
  return JSON.stringify([...sums].sort())
}

async function positions() {
  const base = Date.now() - 3_600_000
  const seqs = (records) => records.map(({ value }) => parse(value).seq)
  const span = (first, end) => Array.from({ length: end - first }, (_, i) => first + i)
  const same = (records, first, end, what) => check(String(seqs(records)) === String(span(first, end)), what)
  const producer = await openProducer(false)
  const produce = (compression, first, end) => producer.send({
    topic: 'positions',
    compression,
    messages: span(first, end).map((seq) => ({ value: value('positions', seq), timestamp: String(base + seq * 1000) })),
  })
  await produce(CODECS.none, 0, 50)
  await produce(CODECS.zstd, 50, 100)
  same(await read('positions', 'earliest', 100), 0, 100, 'from the start')
  same(await read('positions', 40, 60), 40, 100, 'from offset 40')
  const [found] = await admin.fetchTopicOffsetsByTimestamp('positions', base + 69_500)
  same(await read('positions', Number(found.offset), 30), 70, 100, 'from a timestamp')
  same(await read('positions', 'latest', 1, () => produce(CODECS.none, 100, 101)), 100, 101, 'from the end')
  await producer.disconnect()
}

async function main() {
  await admin.connect()
  const tags = await codecsAndAcks()
  const before = [await complete('one', tags), await complete('twelve', tags)]
  await positions()
  const redelivered = await groupOfThree()
  const after = [await complete('one', tags), await complete('twelve', tags)]
  check(String(before) === String(after), 'the topics read differently after the restart')
  await admin.disconnect()
  const codecs = Object.keys(CODECS)
  console.log(JSON.stringify({ client: 'kafkajs', ok: true, codecs, records: 2 * tags.length * RECORDS, redelivered }))
}

main().then(
  () => process.exit(0),
  (error) => {
    console.log(`kafkajs: ${error.stack}`)
    process.exit(1)
  },
)
