// Values that carry their own checksum (tag|seq|crc32|body), and small helpers.
'use strict'

const PATIENCE_MS = 90_000
const TEXT = 'the quick brown fox jumps over the lazy dog 0123456789 '.repeat(20)

const CRC_TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n >>> 0
})

function crc32(buffer, crc = 0) {
  crc = ~crc
  for (const byte of buffer) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}

const hex = (crc) => crc.toString(16).padStart(8, '0')

function value(tag, seq) {
  const body = `${(seq * 7919) % 1000003}:${TEXT.slice(0, (seq * 37) % 900)}`
  return `${tag}|${seq}|${hex(crc32(Buffer.from(body)))}|${body}`
}

function parse(data) {
  const [tag, seq, crc, ...body] = data.toString().split('|')
  check(hex(crc32(Buffer.from(body.join('|')))) === crc, `checksum of ${tag}|${seq}`)
  return { tag, seq: Number(seq) }
}

function check(condition, what) {
  if (!condition) throw new Error(what)
}

async function waitFor(what, ready) {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await ready())) {
    check(Date.now() < deadline, `waited ${PATIENCE_MS} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

module.exports = { value, parse, check, waitFor, crc32, PATIENCE_MS }
