package table_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/oklog/ulid/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/strict"
	"github.com/sotto-chat/sotto/shared/table"
)

// meter adds up the write units that DynamoDB reports.
type meter struct {
	mu     sync.Mutex
	writes float64
}

func (m *meter) take() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.writes
	m.writes = 0
	return sum
}

// install makes a client ask for consumed capacity and the meter add it up.
func (m *meter) install(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("meter",
			func(ctx context.Context, in middleware.InitializeInput,
				next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				switch p := in.Parameters.(type) {
				case *dynamodb.UpdateItemInput:
					p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
				case *dynamodb.PutItemInput:
					p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
				case *dynamodb.TransactWriteItemsInput:
					p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
				}
				out, meta, err := next.HandleInitialize(ctx, in)
				if err != nil { // a failed condition reports no capacity
					return out, meta, err
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				switch r := out.Result.(type) {
				case *dynamodb.UpdateItemOutput:
					m.writes += *r.ConsumedCapacity.CapacityUnits
				case *dynamodb.PutItemOutput:
					m.writes += *r.ConsumedCapacity.CapacityUnits
				case *dynamodb.TransactWriteItemsOutput:
					for _, c := range r.ConsumedCapacity {
						m.writes += *c.CapacityUnits
					}
				}
				return out, meta, err
			}), middleware.Before)
	})
}

// TestSendCost asserts what docs/decisions/0001 and 0014 say a send of 1 KB
// costs: a write unit each for the rates of device, user and room, six for
// message and id, and two more when the room's ceiling rises.
func TestSendCost(t *testing.T) {
	var spent meter
	store := table.New(dynamodb.New(connect(t).Options(), spent.install), tables, nil)
	ctx := t.Context()

	signing, err := envelope.GenerateSigningKey()
	must(t, err)
	d := room.Device{
		ID:      chat.Device(signing.Thumbprint()),
		User:    chat.User(strings.Repeat("u", 32)),
		Key:     signing.Public().Bytes(),
		Gen:     1,
		Enc:     make([]byte, 384),
		AddedAt: time.Now(),
	}
	must(t, store.OpenConnection(ctx, "connection", time.Now()))
	must(t, store.OpenChallenge(ctx, "connection", d.User, "nonce", time.Now().Add(time.Minute)))
	must(t, store.Bind(ctx, room.Binding{
		Connection:  "connection",
		ConnectedAt: time.Now(),
		Nonce:       "nonce",
		ProofHash:   "hash",
		Session:     chat.NewSession(),
		User:        d.User,
		Device:      d,
		NewUser:     true,
		ToService:   make([]byte, 61),
		ToClient:    make([]byte, 61),
	}))
	meta, err := store.CreateRoom(ctx, &room.Meta{
		Room:  chat.Room(strings.Repeat("r", 32)),
		Epoch: chat.NewEpoch(),
	}, time.Now())
	must(t, err)
	now := time.Now()
	draws := []room.Draw{
		{Bucket: "first", Cost: time.Second, Most: time.Minute},
		{Bucket: "second", Cost: time.Second, Most: time.Minute},
	}
	for i, want := range []float64{3 + 6 + 2, 3 + 6} {
		seq := chat.Seq(i + 1)
		now = now.Add(time.Hour)
		spent.take()
		_, err := store.Admit(ctx, d.User, d.ID, now)
		must(t, err)
		for _, rate := range []room.Rate{room.Rate("user#" + d.User), room.Rate("room#" + meta.Room)} {
			_, err := store.Spend(ctx, rate, now, draws...)
			must(t, err)
		}
		e := &room.Entry{
			Room:      meta.Room,
			Epoch:     meta.Epoch,
			Seq:       seq,
			ID:        chat.MessageID(ulid.Make().String()),
			User:      d.User,
			Device:    d.ID,
			SenderKey: d.Key,
			StoredAt:  now,
			Expires:   now.Add(time.Hour),
			DataKey:   "12345",
		}
		e.Sealed = sealed(t, signing, e)
		raise := chat.Seq(0)
		if seq == 1 {
			raise = 64
		}
		must(t, store.Append(ctx, e, raise, nil))
		if got := spent.take(); got != want {
			t.Errorf("seq %d cost %v write units, want %v", seq, got, want)
		}
	}
}

// sealed makes a token with 1 KiB of text as it rests in the table.
func sealed(t *testing.T, signing *envelope.SigningKey, e *room.Entry) []byte {
	t.Helper()
	claims, err := strict.Marshal(frame.MessageClaims{
		V:    frame.Version,
		SID:  chat.NewSession(),
		Sub:  e.User,
		SKID: signing.Thumbprint(),
		Room: e.Room,
		ID:   e.ID,
		Body: strings.Repeat("x", 1024),
	})
	must(t, err)
	token, err := envelope.Sign(signing, envelope.TypeMessage, claims)
	must(t, err)
	packed, err := envelope.PackSigned(token)
	must(t, err)
	return append(packed, make([]byte, 12+16)...) // nonce and tag of AES-GCM
}

// TestTransactionConflicts shows that appends to one slot at the same time end
// in one entry and conflicts, never in an error that a client would see.
func TestTransactionConflicts(t *testing.T) {
	store := table.New(connect(t), tables, nil)
	var wg sync.WaitGroup
	outcomes := make([]error, 12)
	for i := range outcomes {
		wg.Go(func() {
			outcomes[i] = store.Append(t.Context(), &room.Entry{
				Room:      "room",
				Epoch:     "epoch",
				Seq:       1,
				ID:        chat.MessageID(rand.Text()),
				User:      "ada",
				Device:    "device",
				SenderKey: []byte("key"),
				StoredAt:  time.Now(),
				Expires:   time.Now().Add(time.Hour),
				Sealed:    []byte("x"),
			}, 0, nil)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range outcomes {
		switch err {
		case nil:
			won++
		case room.ErrConflict:
		default:
			t.Errorf("got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d appends took one slot", won)
	}
}

// TestKeys runs the keyring's own suite on DynamoDB.
func TestKeys(t *testing.T) {
	client := connect(t)
	keyringtest.Run(t, func(t *testing.T) keyring.Store {
		keys := table.Keys{Store: table.New(client, tables, nil)}
		records, err := keys.List(t.Context())
		must(t, err)
		for _, r := range records { // of the test before
			must(t, keys.Delete(t.Context(), r.Kind, r.ID))
		}
		return keys
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
