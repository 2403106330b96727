// Checks of an endpoint with AWS's JavaScript SDK. Usage:
//
//   node suite.mjs endpoint region table
//
// Each check prints one line of JSON: its name and, if it failed, the error.
// Credentials come from the environment.

import assert from 'node:assert/strict'
import {
  ConditionalCheckFailedException, CreateTableCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient, GetItemCommand,
  IdempotentParameterMismatchException, PutItemCommand, ResourceInUseException, ResourceNotFoundException, ScanCommand,
  TransactionCanceledException, paginateListTables, waitUntilTableExists, waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand, BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient, GetCommand, NumberValue, PutCommand, QueryCommand,
  TransactGetCommand, TransactWriteCommand, UpdateCommand, paginateQuery, paginateScan,
} from '@aws-sdk/lib-dynamodb'

const [endpoint, region, TableName] = process.argv.slice(2)
const client = new DynamoDBClient({ endpoint, region, maxAttempts: 3 })
const db = DynamoDBDocumentClient.from(client)

const checks = {
  'a table': async () => {
    await client.send(new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
      AttributeDefinitions: ['pk S', 'sk N', 'kind S'].map(d => ({ AttributeName: d.split(' ')[0], AttributeType: d.split(' ')[1] })),
      GlobalSecondaryIndexes: [{
        IndexName: 'by-kind', KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }], Projection: { ProjectionType: 'ALL' },
      }],
    }))
    await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName })
    const { Table } = await client.send(new DescribeTableCommand({ TableName }))
    assert.equal(Table.TableStatus, 'ACTIVE')
    assert(Table.CreationDateTime instanceof Date && Math.abs(Table.CreationDateTime - Date.now()) < 600_000)
    await assert.rejects(client.send(new CreateTableCommand({
      TableName, BillingMode: 'PAY_PER_REQUEST', KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }], AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    })), ResourceInUseException)
  },

  'every type there and back': async () => {
    const Item = {
      pk: 'types', sk: 1, string: 'žluť 🐎', empty: '', truth: true, nothing: null, float: -1.5e-7, list: [1, 'a', [], {}, null], map: { deep: { er: [false] } },
      bytes: Uint8Array.from([0, 1, 127, 128, 255]), strings: new Set(['b', 'a']), numbers: new Set([3, 1.5, -2]), binaries: new Set([Uint8Array.from([1]), Uint8Array.from([255])]),
    }
    await db.send(new PutCommand({ TableName, Item }))
    const got = (await db.send(new GetCommand({ TableName, Key: { pk: 'types', sk: 1 }, ConsistentRead: true }))).Item
    const sorted = item => ({ ...item, bytes: [...item.bytes], strings: [...item.strings].sort(), numbers: [...item.numbers].sort(), binaries: [...item.binaries].map(b => [...b]).sort() })
    assert.deepEqual(sorted(got), sorted(Item))
  },

  'numbers beyond floating point': async () => {
    const exact = '12345678901234567890.123456789012345678'
    await db.send(new PutCommand({ TableName, Item: { pk: 'number', sk: 1, n: NumberValue.from(exact), i: 9007199254740993n } }))
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: { pk: { S: 'number' }, sk: { N: '1.0' } }, ConsistentRead: true }))
    assert.deepEqual([Item.n, Item.i], [{ N: exact }, { N: '9007199254740993' }])
  },

  'updates': async () => {
    const update = more => db.send(new UpdateCommand({ TableName, Key: { pk: 'update', sk: 1 }, ...more }))
    const first = await update({
      UpdateExpression: 'SET #c = if_not_exists(#c, :zero) + :one, tags = :tags', ReturnValues: 'ALL_NEW',
      ExpressionAttributeNames: { '#c': 'count' }, ExpressionAttributeValues: { ':zero': 0, ':one': 1, ':tags': new Set(['x', 'y']) },
    })
    assert.deepEqual(first.Attributes, { pk: 'update', sk: 1, count: 1, tags: new Set(['x', 'y']) })
    const second = await update({
      UpdateExpression: 'ADD #c :one DELETE tags :y', ReturnValues: 'UPDATED_NEW', ExpressionAttributeNames: { '#c': 'count' }, ExpressionAttributeValues: { ':one': 1, ':y': new Set(['y']) },
    })
    assert.deepEqual(second.Attributes, { count: 2, tags: new Set(['x']) })
    const { Attributes } = await db.send(new DeleteCommand({ TableName, Key: { pk: 'update', sk: 1 }, ReturnValues: 'ALL_OLD' }))
    assert.equal(Attributes.count, 2)
  },

  'typed errors': async () => {
    await db.send(new PutCommand({ TableName, Item: { pk: 'error', sk: 1, v: 7 } }))
    await assert.rejects(db.send(new PutCommand({
      TableName, Item: { pk: 'error', sk: 1 }, ConditionExpression: 'attribute_not_exists(pk)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })), e => {
      assert(e instanceof ConditionalCheckFailedException)
      assert.equal(e.message, 'The conditional request failed')
      assert.deepEqual(e.Item, { pk: { S: 'error' }, sk: { N: '1' }, v: { N: '7' } })
      assert.equal(e.$metadata.httpStatusCode, 400)
      assert.match(e.$metadata.requestId, /^[A-Z0-9]{52}$/)
      return true
    })
    await assert.rejects(db.send(new GetCommand({ TableName: TableName + '-none', Key: { pk: 'a', sk: 1 } })), ResourceNotFoundException)
    await assert.rejects(client.send(new PutItemCommand({ TableName, Item: { pk: { S: 'error' } } })), {
      name: 'ValidationException', message: 'One or more parameter values were invalid: Missing the key sk in the item',
    })
    await assert.rejects(client.send(new ScanCommand({ TableName, FilterExpression: 'status = :s', ExpressionAttributeValues: { ':s': { S: 'x' } } })), {
      name: 'ValidationException', message: 'Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: status',
    })
  },

  'batches': async () => {
    let unprocessed = { [TableName]: Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: { pk: 'batch', sk: i, kind: i % 2 ? 'odd' : 'even', pad: 'x'.repeat(100) } } })) }
    while (Object.keys(unprocessed).length > 0) {
      unprocessed = (await db.send(new BatchWriteCommand({ RequestItems: unprocessed }))).UnprocessedItems
    }
    const Keys = Array.from({ length: 30 }, (_, i) => ({ pk: 'batch', sk: i }))
    const { Responses, UnprocessedKeys } = await db.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true, ProjectionExpression: 'sk' } } }))
    assert.deepEqual(Responses[TableName].map(i => i.sk).sort((a, b) => a - b), Array.from({ length: 25 }, (_, i) => i))
    assert.deepEqual(UnprocessedKeys, {})
  },

  'queries': async () => {
    const { Items, Count, ScannedCount } = await db.send(new QueryCommand({
      TableName, KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b', FilterExpression: 'kind = :odd', ScanIndexForward: false, ConsistentRead: true,
      ExpressionAttributeValues: { ':p': 'batch', ':a': 3, ':b': 9, ':odd': 'odd' },
    }))
    assert.deepEqual([Items.map(i => i.sk), Count, ScannedCount], [[9, 7, 5, 3], 4, 7])
  },

  'pages': async () => {
    const found = []
    let pages = 0
    const query = { TableName, IndexName: 'by-kind', KeyConditionExpression: 'kind = :even', ExpressionAttributeValues: { ':even': 'even' } }
    for await (const page of paginateQuery({ client: db, pageSize: 4 }, query)) {
      pages++
      found.push(...page.Items.map(i => i.sk))
    }
    assert.deepEqual(found, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24])
    assert.equal(pages, 4)
    let scanned = 0
    for (const Segment of [0, 1, 2]) {
      for await (const page of paginateScan({ client: db, pageSize: 5 }, { TableName, Segment, TotalSegments: 3, FilterExpression: 'pk = :b', ExpressionAttributeValues: { ':b': 'batch' } })) {
        scanned += page.Items.length
      }
    }
    assert.equal(scanned, 25)
    const names = []
    for await (const page of paginateListTables({ client, pageSize: 1 }, {})) names.push(...page.TableNames)
    assert(names.includes(TableName))
  },

  'transactions': async () => {
    const token = TableName.slice(-36)
    const pay = amount => db.send(new TransactWriteCommand({
      ClientRequestToken: token,
      TransactItems: [
        { Update: { TableName, Key: { pk: 'ada', sk: 0 }, UpdateExpression: 'ADD money :m', ExpressionAttributeValues: { ':m': -amount } } },
        { Update: { TableName, Key: { pk: 'bob', sk: 0 }, UpdateExpression: 'ADD money :m', ExpressionAttributeValues: { ':m': amount } } },
      ],
    }))
    await pay(10)
    await pay(10) // the repeated request has no effect
    await assert.rejects(pay(11), IdempotentParameterMismatchException)
    const { Responses } = await db.send(new TransactGetCommand({ TransactItems: ['ada', 'bob', 'eve'].map(pk => ({ Get: { TableName, Key: { pk, sk: 0 } } })) }))
    assert.deepEqual(Responses.map(r => r.Item?.money), [-10, 10, undefined])
    await assert.rejects(db.send(new TransactWriteCommand({
      TransactItems: [
        { Put: { TableName, Item: { pk: 'eve', sk: 0 } } },
        { ConditionCheck: { TableName, Key: { pk: 'ada', sk: 0 }, ConditionExpression: 'money > :z', ExpressionAttributeValues: { ':z': 0 }, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } },
      ],
    })), e => {
      assert(e instanceof TransactionCanceledException)
      assert.deepEqual(e.CancellationReasons.map(r => r.Code), ['None', 'ConditionalCheckFailed'])
      assert.deepEqual(e.CancellationReasons[1].Item.money, { N: '-10' })
      return true
    })
  },

  'the end of the table': async () => {
    await client.send(new DeleteTableCommand({ TableName }))
    await waitUntilTableNotExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName })
  },
}

for (const [name, check] of Object.entries(checks)) {
  let error
  try {
    await check()
  } catch (e) {
    error = e.stack ?? String(e)
  }
  console.log(JSON.stringify({ name, error }))
}
