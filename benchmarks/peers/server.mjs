// The peer: Fastify, Mercurius with JIT and pg, answering the benchmarks' operations as Parley does.
//
// FORM=batched: relations by loaders, a statement for each level, as the manual shows.
// FORM=one:     one hand-written statement for each page, moments written by the database.
// WORK=lean:    sendMessage inserts the message, updates the conversation and publishes.
// WORK=same:    it writes the idempotency key, the job and the numbered event as well.
// TOKEN=1:      each request looks its bearer token and the rights behind it up, in one statement.
import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

const { FORM = 'one', WORK = 'lean', TOKEN = '', PORT, DATABASE_URL } = process.env
const WORKSPACE = 1
const AUTHOR = 1
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 })
let statements = 0
const names = new Map()
const run = async (client, text, ...values) => {
  if (!names.has(text)) names.set(text, `s${statements++}`)
  return (await client.query({ name: names.get(text), text, values })).rows
}
const read = (text, ...values) => run(pool, text, ...values)
const written = (column) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')`
const opaque = (text) => Buffer.from(text).toString('base64url')
const globalId = (kind, key) => opaque(`${kind}:${key}`)
const keyOf = (id) => Buffer.from(id, 'base64url').toString().split(':')[1]

const schema = `
  enum Status { OPEN CLOSED SNOOZED }
  enum Direction { INCOMING OUTGOING }
  interface Inbox { conversations(status: Status, first: Int): Conversations! }
  type StandardInbox implements Inbox { conversations(status: Status, first: Int): Conversations! }
  type Conversations { nodes: [Conversation!]! pageInfo: PageInfo! }
  type Messages { nodes: [Message!]! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Contact { id: ID! name: String! }
  type Member { id: ID! name: String! }
  union Assignee = Member
  union Actor = Member | Contact
  type Conversation { id: ID! status: Status! lastMessageAt: String contact: Contact! assignee: Assignee
    lastMessage: Message messages(last: Int): Messages! }
  type Message { id: ID! seq: Int! direction: Direction! status: String! text: String! createdAt: String!
    author: Actor }
  type UserError { code: String! }
  input SendMessageInput { conversationId: ID! text: String! idempotencyKey: String }
  type SendMessagePayload { message: Message userErrors: [UserError!]! }
  type MessageAdded { eventId: ID! cursor: String! occurredAt: String! message: Message! conversation: Conversation }
  type Query { inbox(id: ID!): Inbox conversation(id: ID!): Conversation }
  type Mutation { sendMessage(input: SendMessageInput!): SendMessagePayload! }
  type Subscription { messageAdded(workspaceId: ID!): MessageAdded! }
`

const contact = (id, first, last) => ({ __typename: 'Contact', id: globalId('Contact', id), name: `${first} ${last}` })
const member = (id, name) => (id === null ? null : { __typename: 'Member', id: globalId('Member', id), name })

const INBOX = `SELECT c.id, c.status, ${written('c.last_message_at')} AS at, ct.id AS contact_id,
    ct.first_name, ct.last_name, a.id AS assignee_id, u.name AS assignee, m.id AS message_id,
    m.direction, m.text, ${written('m.created_at')} AS created_at
  FROM conversation c JOIN contact ct ON ct.id = c.contact_id
  LEFT JOIN member a ON a.id = c.assignee_id LEFT JOIN account u ON u.id = a.user_id
  LEFT JOIN message m ON m.id = c.last_message_id
  WHERE c.workspace_id = $1 AND c.status = $2
  ORDER BY c.last_message_at DESC, c.id DESC LIMIT 26`
const THREAD = `SELECT m.id, m.seq, m.direction, m.status, m.text, ${written('m.created_at')} AS created_at,
    a.id AS author_id, u.name AS author, ct.id AS contact_id, ct.first_name, ct.last_name
  FROM message m JOIN conversation c ON c.id = m.conversation_id JOIN contact ct ON ct.id = c.contact_id
  LEFT JOIN member a ON a.id = m.author_id LEFT JOIN account u ON u.id = a.user_id
  WHERE m.conversation_id = $1 ORDER BY m.seq DESC LIMIT 51`

const inboxPage = async (status) => {
  const rows = await read(INBOX, WORKSPACE, status)
  const nodes = rows.slice(0, 25).map((r) => ({
    id: globalId('Conversation', r.id),
    status: r.status,
    lastMessageAt: r.at,
    contact: contact(r.contact_id, r.first_name, r.last_name),
    assignee: member(r.assignee_id, r.assignee),
    lastMessage: { id: globalId('Message', r.message_id), direction: r.direction, text: r.text, createdAt: r.created_at }
  }))
  const end = rows[nodes.length - 1]
  return { nodes, pageInfo: { hasNextPage: rows.length > 25, endCursor: opaque(JSON.stringify([end.at, Number(end.id), 'last_message_at'])) } }
}
const threadPage = async (conversation) => {
  const rows = await read(THREAD, conversation)
  const page = rows.slice(0, 50).reverse()
  const nodes = page.map((r) => ({
    id: globalId('Message', r.id),
    seq: Number(r.seq),
    direction: r.direction,
    status: r.status,
    text: r.text,
    createdAt: r.created_at,
    author: r.direction === 'OUTGOING' ? member(r.author_id, r.author) : contact(r.contact_id, r.first_name, r.last_name)
  }))
  return { nodes, pageInfo: { hasPreviousPage: rows.length > 50, startCursor: opaque(JSON.stringify([Number(page[0].seq)])) } }
}

const plain = async (status) => {
  const rows = await read(`SELECT id, contact_id, assignee_id, last_message_id, status, ${written('last_message_at')} AS at
    FROM conversation WHERE workspace_id = $1 AND status = $2 ORDER BY last_message_at DESC, id DESC LIMIT 26`, WORKSPACE, status)
  const nodes = rows.slice(0, 25).map((r) => ({ ...r, id: globalId('Conversation', r.id), lastMessageAt: r.at }))
  const end = rows[nodes.length - 1]
  return { nodes, pageInfo: { hasNextPage: rows.length > 25, endCursor: opaque(JSON.stringify([end.at, Number(end.id), 'last_message_at'])) } }
}
const byKeys = async (text, keys) => new Map((await read(text, keys)).map((row) => [row.id, row]))
const CONTACTS = 'SELECT id, first_name, last_name FROM contact WHERE id = ANY($1::bigint[])'
const MEMBERS = 'SELECT m.id, u.name FROM member m JOIN account u ON u.id = m.user_id WHERE m.id = ANY($1::bigint[])'
const MESSAGES = `SELECT id, direction, text, ${written('created_at')} AS created_at FROM message WHERE id = ANY($1::bigint[])`
const plainThread = async (conversation) => {
  const rows = await read(`SELECT id, seq, direction, status, text, author_id, conversation_id, ${written('created_at')} AS "createdAt"
    FROM message WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 51`, conversation)
  const page = rows.slice(0, 50).reverse()
  const nodes = page.map((r) => ({ ...r, id: globalId('Message', r.id), seq: Number(r.seq) }))
  return { nodes, pageInfo: { hasPreviousPage: rows.length > 50, startCursor: opaque(JSON.stringify([Number(page[0].seq)])) } }
}
const loaders = FORM !== 'batched' ? {} : {
  Conversation: {
    async contact (queries) {
      const found = await byKeys(CONTACTS, queries.map(({ obj }) => obj.contact_id))
      return queries.map(({ obj }) => { const r = found.get(obj.contact_id); return contact(r.id, r.first_name, r.last_name) })
    },
    async assignee (queries) {
      const found = await byKeys(MEMBERS, queries.map(({ obj }) => obj.assignee_id).filter((key) => key !== null))
      return queries.map(({ obj }) => { const r = found.get(obj.assignee_id); return r ? member(r.id, r.name) : null })
    },
    async lastMessage (queries) {
      const found = await byKeys(MESSAGES, queries.map(({ obj }) => obj.last_message_id))
      return queries.map(({ obj }) => { const r = found.get(obj.last_message_id); return { ...r, id: globalId('Message', r.id), createdAt: r.created_at } })
    }
  },
  Message: {
    async author (queries) {
      const members = await byKeys(MEMBERS, queries.map(({ obj }) => obj.author_id).filter((key) => key !== null))
      const [one] = await read('SELECT ct.id, ct.first_name, ct.last_name FROM conversation c JOIN contact ct ON ct.id = c.contact_id WHERE c.id = $1',
        queries[0].obj.conversation_id)
      return queries.map(({ obj }) => obj.direction === 'OUTGOING'
        ? member(obj.author_id, members.get(obj.author_id).name)
        : contact(one.id, one.first_name, one.last_name))
    }
  }
}

const LEAN = `WITH changed AS (UPDATE conversation SET last_seq = last_seq + 1, last_message_at = now()
    WHERE id = $1 RETURNING id, workspace_id, last_seq, incoming_count, last_channel_id),
  written AS (INSERT INTO message (workspace_id, conversation_id, contact_channel_id, channel_id, seq,
      incoming_count, direction, kind, source, author_id, text, status, created_at)
    SELECT workspace_id, id, last_channel_id, 1, last_seq, incoming_count, 'OUTGOING', 'TEXT', 'USER', $2, $3, 'PENDING', now()
    FROM changed RETURNING id, seq, created_at)
  SELECT id, seq, ${written('created_at')} AS at FROM written`
const TOLD = `SELECT c.id, c.status, ct.id AS contact_id, ct.first_name, ct.last_name, a.id AS assignee_id,
    u.name AS assignee, n.name AS author FROM conversation c JOIN contact ct ON ct.id = c.contact_id
  LEFT JOIN member a ON a.id = c.assignee_id LEFT JOIN account u ON u.id = a.user_id
  JOIN account n ON n.id = $2 WHERE c.id = $1`

const lean = async (conversation, text) => {
  const [row] = await read(LEAN, conversation, AUTHOR, text)
  return row
}
const same = async (conversation, text, key) => {
  const client = await pool.connect()
  const at = new Date()
  try {
    await client.query('BEGIN')
    const [claim] = await run(client, `INSERT INTO idempotency_key (workspace_id, actor, mutation, key, input_hash, created_at)
      VALUES ($1, 'peer', 'sendMessage', $2, '-', $3) ON CONFLICT DO NOTHING RETURNING id`, WORKSPACE, key, at)
    const [head] = await run(client, `SELECT c.last_seq, c.incoming_count, t.id, t.channel_id FROM conversation c
      JOIN contact_channel t ON t.id = c.last_channel_id WHERE c.id = $1 FOR UPDATE OF c`, conversation)
    const seq = Number(head.last_seq) + 1
    const [message] = await run(client, `INSERT INTO message (workspace_id, conversation_id, contact_channel_id, channel_id, seq,
      incoming_count, direction, kind, source, author_id, text, status, created_at)
      VALUES ($1, $2, $3, $4, $5, $6, 'OUTGOING', 'TEXT', 'USER', $7, $8, 'PENDING', $9)
      RETURNING id, ${written('created_at')} AS at`, WORKSPACE, conversation, head.id, head.channel_id, seq, head.incoming_count, AUTHOR, text, at)
    await run(client, `UPDATE conversation SET last_seq = $1, last_message_id = $2, last_message_at = $3, last_channel_id = $4
      WHERE id = $5`, seq, message.id, at, head.id, conversation)
    await run(client, 'UPDATE idempotency_key SET result_id = $1 WHERE id = $2', message.id, claim.id)
    await run(client, `INSERT INTO job (kind, payload, state, run_at, attempts, ordering_key, fence, created_at)
      VALUES ('deliver_message', $1, 'READY', $2, 0, $3, 0, $2)`, JSON.stringify({ message_id: Number(message.id) }), at, `conversation:${conversation}`)
    const [counter] = await run(client, 'UPDATE event_counter SET seq = seq + 1 WHERE workspace_id = $1 RETURNING seq', WORKSPACE)
    await run(client, `INSERT INTO event (workspace_id, seq, kind, payload, created_at) VALUES ($1, $2, 'MessageAdded', $3, $4)`,
      WORKSPACE, counter.seq, JSON.stringify({ workspace_id: WORKSPACE, conversation_id: Number(conversation), message_id: Number(message.id) }), at)
    await client.query('COMMIT')
    return { ...message, seq }
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}
let events = 0
const publish = async (pubsub, conversation, row, text) => {
  const [told] = await read(TOLD, conversation, AUTHOR)
  events += 1
  await pubsub.publish({
    topic: 'added',
    payload: {
      messageAdded: {
        eventId: globalId('WorkspaceEvent', `${WORKSPACE}.${events}`),
        cursor: opaque(`benchmark.${events}`),
        occurredAt: row.at,
        message: { id: globalId('Message', row.id), seq: Number(row.seq), direction: 'OUTGOING', status: 'PENDING', text,
          createdAt: row.at, author: member(AUTHOR, told.author) },
        conversation: { id: globalId('Conversation', told.id), status: told.status,
          contact: contact(told.contact_id, told.first_name, told.last_name), assignee: member(told.assignee_id, told.assignee) }
      }
    }
  })
}

let listeners = 0
const resolvers = {
  Query: {
    inbox: () => ({ __typename: 'StandardInbox' }),
    conversation: (_, { id }) => ({ id, key: keyOf(id) })
  },
  StandardInbox: { conversations: (_, { status }) => (FORM === 'one' ? inboxPage(status) : plain(status)) },
  Conversation: { messages: ({ key }) => (FORM === 'one' ? threadPage(key) : plainThread(key)) },
  Mutation: {
    sendMessage: async (_, { input }, { pubsub }) => {
      const conversation = keyOf(input.conversationId)
      const row = await (WORK === 'same' ? same : lean)(conversation, input.text, input.idempotencyKey)
      if (listeners > 0) publish(pubsub, conversation, row, input.text)
      return { message: { id: globalId('Message', row.id), status: 'PENDING', seq: Number(row.seq), text: input.text }, userErrors: [] }
    }
  },
  Subscription: {
    messageAdded: { subscribe: (_, __, { pubsub }) => { listeners += 1; return pubsub.subscribe('added') } }
  }
}

const app = Fastify()
app.register(mercurius, { schema, resolvers, loaders, jit: 1, subscription: { fullWsTransport: true } })
if (TOKEN) {
  app.addHook('preHandler', async (request, reply) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '')
    const rows = await read(`SELECT s.expires_at, m.id, m.role, m.visibility, m.team_id FROM session s
      JOIN account u ON u.id = s.user_id LEFT JOIN member m ON m.user_id = u.id AND m.is_active = true
      WHERE s.token_hash = $1`, createHash('sha256').update(token).digest('hex'))
    if (rows.length === 0) reply.code(401).send({ errors: [{ message: 'Log in first.' }] })
  })
}
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
process.on('SIGTERM', () => process.exit(0))
