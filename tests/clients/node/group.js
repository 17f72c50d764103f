// Phase 3: a group of three, a member that leaves, one that joins, a broker that dies.
'use strict'

const readline = require('node:readline')
const { kafka, admin, endOffsets } = require('./kafka')
const { value, parse, check, waitFor } = require('./values')

const TOPICS = ['group-one', 'group-twelve']
const RUN = 600

// What the group has been given and what it has committed.
class Ledger {
  next = new Map()
  committed = new Map()
  values = new Map()
  redelivered = 0
  failure = null

  delivered(topic, partition, offset, data) {
    const place = `${topic}-${partition}`
    const next = this.next.get(place) ?? 0
    const committed = this.committed.get(place) ?? 0
    check(offset <= next, `${place}: ${offset} delivered, ${next} skipped`)
    check(offset >= committed, `${place}: ${offset} came after the commit of ${committed}`)
    if (offset < next) {
      this.redelivered++
      check(this.values.get(`${place}@${offset}`).equals(data), `${place}: two values at ${offset}`)
      return
    }
    this.values.set(`${place}@${offset}`, data)
    this.next.set(place, offset + 1)
  }

  acknowledged(topic, partition, offset) {
    const place = `${topic}-${partition}`
    this.committed.set(place, Math.max(offset, this.committed.get(place) ?? 0))
  }

  count() {
    if (this.failure) throw this.failure
    return this.values.size
  }
}

class Member {
  partitions = 0

  constructor(ledger) {
    this.ledger = ledger
    this.consumer = kafka.consumer({
      groupId: 'matrix',
      sessionTimeout: 10_000,
      heartbeatInterval: 300,
      maxWaitTimeInMs: 100,
    })
    this.consumer.on(this.consumer.events.GROUP_JOIN, ({ payload }) => {
      this.partitions = Object.values(payload.memberAssignment).flat().length
    })
    this.consumer.on(this.consumer.events.REBALANCING, () => (this.partitions = 0))
  }

  async join() {
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: TOPICS, fromBeginning: true })
    await this.consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: (batch) => this.handle(batch) })
    return this
  }

  // A commit that fails (a rebalance, the broker is down) leaves its records to be delivered again.
  async handle({ batch, resolveOffset, isRunning, isStale }) {
    if (!isRunning() || isStale()) return
    const { topic, partition, messages } = batch
    try {
      for (const { offset, value } of messages) this.ledger.delivered(topic, partition, Number(offset), value)
    } catch (error) {
      this.ledger.failure = error
      return
    }
    const next = Number(messages.at(-1).offset) + 1
    await this.consumer.commitOffsets([{ topic, partition, offset: String(next) }])
    this.ledger.acknowledged(topic, partition, next)
    resolveOffset(messages.at(-1).offset)
  }

  async leave() {
    await this.consumer.disconnect()
  }
}

async function groupOfThree() {
  const ledger = new Ledger()
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
  await producer.connect()
  let produced = 0

  async function produce(tag, between = async () => {}) {
    for (let at = 0; at < RUN; at += 50) {
      const during = at === RUN / 2 ? between() : undefined
      const records = Array.from({ length: 50 }, (_, i) => ({ key: `key-${(at + i) % 50}`, value: value(tag, at + i) }))
      const messages = [[], []]
      records.forEach((record, i) => messages[(at + i) % 4 ? 1 : 0].push(record))
      await producer.sendBatch({ topicMessages: TOPICS.map((topic, i) => ({ topic, messages: messages[i] })) })
      await during
    }
    produced += RUN
  }

  function settled(what, ...members) {
    return waitFor(what, () => {
      const held = members.map((member) => member.partitions)
      return ledger.count() === produced && held.every(Boolean) && held.reduce((a, b) => a + b) === 13
    })
  }

  await produce('first')
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => new Member(ledger).join()))
  await settled('three members to share the topics', a, b, c)
  await produce('second', () => c.leave())
  await settled('two members to take over', a, b)
  const d = await new Member(ledger).join()
  await produce('third', restartBroker)
  await settled('three members after a restart', a, b, d)
  for (const member of [a, b, d]) await member.leave()
  await producer.disconnect()
  await verify(ledger)
  return ledger.redelivered
}

// Every record is in the log once and in order, and the committed offsets are the ends.
async function verify(ledger) {
  const committed = await admin.fetchOffsets({ groupId: 'matrix', topics: TOPICS })
  const distinct = new Set()
  let inLog = 0
  for (const { topic, partitions } of committed) {
    for (const [partition, end] of await endOffsets(topic)) {
      const found = Number(partitions.find((p) => p.partition === partition)?.offset ?? -1)
      check(end === 0 || found === end, `${topic}-${partition}: committed ${found}, end ${end}`)
      const last = new Map()
      for (let offset = 0; offset < end; offset++, inLog++) {
        const { tag, seq } = parse(ledger.values.get(`${topic}-${partition}@${offset}`))
        check(seq > (last.get(tag) ?? -1), `${topic}-${partition}: ${tag}|${seq} out of order`)
        last.set(tag, seq)
        distinct.add(`${tag}|${seq}`)
      }
    }
  }
  check(inLog === 3 * RUN && distinct.size === 3 * RUN, `${inLog} in the log, ${distinct.size} distinct`)
}

function restartBroker() {
  const lines = readline.createInterface({ input: process.stdin })
  const answered = new Promise((resolve) => lines.once('line', resolve))
  console.log('@restart')
  return answered.then((line) => {
    lines.close()
    check(line === 'restarted', 'the test answers @restart')
  })
}

module.exports = { groupOfThree }
