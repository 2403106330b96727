package table_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
	"github.com/sotto-chat/sotto/shared/keyring/roomkeys"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/room/memory"
	"github.com/sotto-chat/sotto/shared/room/storetest"
	"github.com/sotto-chat/sotto/shared/strict"
	"github.com/sotto-chat/sotto/shared/table"
)

// reader is a session that reads history through the service, over the tables.
type reader struct {
	t       *testing.T
	store   *table.Store
	keys    roomkeys.Keys
	service *room.Service
	hub     *memory.Hub
	clock   *storetest.Clock
	signing *envelope.SigningKey
	enc     *envelope.DecryptionKey
	device  room.Device
	epoch   chat.Epoch

	toService *envelope.MACKey
}

const readerConnection = chat.Connection("reader=")

func newReader(t *testing.T) *reader {
	t.Helper()
	r := &reader{t: t, hub: &memory.Hub{}, clock: storetest.NewClock()}
	r.store = table.New(connect(t), tables, r.clock.Now)
	r.keys = roomkeys.Keys{Keyring: keyring.New(keyringtest.NewStore(), keyringtest.NewKMS(), keyring.Options{
		Audience: "host/stage",
		Now:      r.clock.Now,
	})}
	must(t, r.keys.Ensure(t.Context()))
	r.service = room.New(room.Options{
		Store:     r.store,
		Keys:      r.keys,
		Poster:    r.hub,
		Audience:  "host/stage",
		Retention: 24 * time.Hour,
		Now:       r.clock.Now,
	})
	var err error
	r.signing, err = envelope.GenerateSigningKey()
	must(t, err)
	r.enc, err = envelope.GenerateDecryptionKey(2048)
	must(t, err)
	r.device = room.Device{
		ID:      chat.Device(r.signing.Thumbprint()),
		User:    "ada",
		Key:     r.signing.Public().Bytes(),
		Gen:     1,
		Enc:     r.enc.Public().Modulus(),
		AddedAt: r.clock.Now(),
	}
	must(t, r.store.OpenConnection(t.Context(), readerConnection, r.clock.Now()))
	must(t, r.store.OpenChallenge(t.Context(), readerConnection, "ada", "nonce", r.clock.Now().Add(time.Minute)))
	toService, toClient := r.openSession()
	must(t, r.store.Bind(t.Context(), room.Binding{
		Connection:  readerConnection,
		ConnectedAt: r.clock.Now(),
		Nonce:       "nonce",
		ProofHash:   "hash",
		Session:     chat.NewSession(),
		User:        "ada",
		Device:      r.device,
		NewUser:     true,
		ToService:   toService,
		ToClient:    toClient,
	}))
	meta, err := r.store.CreateRoom(t.Context(), &room.Meta{Room: chat.Lobby, Epoch: chat.NewEpoch()}, r.clock.Now())
	must(t, err)
	r.epoch = meta.Epoch
	return r
}

// openSession makes the MAC keys of the session and returns them wrapped.
func (r *reader) openSession() (toService, toClient []byte) {
	r.t.Helper()
	token, err := r.keys.KeySet(r.t.Context())
	must(r.t, err)
	signed, err := envelope.ParseSigned(token, envelope.TypeKeys)
	must(r.t, err)
	payload, err := signed.Verify(signed.JWK)
	must(r.t, err)
	var claims frame.KeySetClaims
	must(r.t, strict.Unmarshal(payload, &claims))
	to, err := envelope.ParseEncryptionKey(claims.Session)
	must(r.t, err)
	secret, nonce := make([]byte, envelope.SecretSize), make([]byte, 32)
	sk, err := envelope.Seal(to, envelope.TypeSession, secret)
	must(r.t, err)
	r.toService, _, err = envelope.DeriveMACKeys(secret, nonce, "proof")
	must(r.t, err)
	place := strings.Join([]string{string(readerConnection), "ada", string(r.device.ID)}, "|")
	toService, toClient, err = r.keys.OpenSession(r.t.Context(), sk, nonce, "proof", []byte(place))
	must(r.t, err)
	return toService, toClient
}

// write puts a message at its place in the log, as a send would. What is
// authenticated beside it is part of the format at rest: entries that are
// stored must stay readable.
func (r *reader) write(ctx context.Context, seq chat.Seq, body string) error {
	e := &room.Entry{
		Room:      chat.Lobby,
		Epoch:     r.epoch,
		Seq:       seq,
		ID:        chat.MessageID(ulid.Make().String()),
		User:      "ada",
		Device:    r.device.ID,
		SenderKey: r.device.Key,
		StoredAt:  r.clock.Now().Truncate(time.Millisecond),
		Expires:   r.clock.Now().Add(26 * time.Hour),
	}
	claims, err := strict.Marshal(frame.MessageClaims{
		V:    frame.Version,
		SID:  "session",
		Sub:  "ada",
		SKID: r.signing.Thumbprint(),
		Room: e.Room,
		ID:   e.ID,
		Body: body,
	})
	if err != nil {
		return err
	}
	token, err := envelope.Sign(r.signing, envelope.TypeMessage, claims)
	if err != nil {
		return err
	}
	packed, err := envelope.PackSigned(token)
	if err != nil {
		return err
	}
	additional := strings.Join([]string{
		"sotto-entry-v1", string(e.Room), string(e.Epoch), strconv.FormatInt(int64(seq), 10), string(e.ID),
		string(e.User), string(e.Device),
		strconv.FormatInt(e.StoredAt.UnixMilli(), 10),
	}, "|")
	if e.DataKey, e.Sealed, err = r.keys.SealAtRest(ctx, packed, []byte(additional)); err != nil {
		return err
	}
	return r.store.Append(ctx, e, 0, nil)
}

// page asks for a page and opens it.
func (r *reader) page(after chat.Seq, limit int) (frame.History, []frame.MessagePlain) {
	r.t.Helper()
	r.clock.Advance(time.Second) // so that the device's rate is not what is tested
	asked, err := r.toService.Authenticate([]byte(`{"action":"history"}`))
	must(r.t, err)
	call := room.NewCall(readerConnection, r.clock.Now(), asked)
	must(r.t, r.service.History(r.t.Context(), call, chat.Lobby, after, limit))
	frames := r.hub.Take(readerConnection)
	if len(frames) != 1 {
		r.t.Fatalf("got %d frames", len(frames))
	}
	var page frame.History
	must(r.t, strict.Unmarshal(frames[0], &page))
	if page.JWE == "" {
		return page, nil
	}
	if len(page.JWE) > chat.MaxHistoryPage {
		r.t.Fatalf("the page after %d has %d bytes", after, len(page.JWE))
	}
	sealed, err := envelope.ParseSealed(page.JWE, envelope.TypeHistory)
	must(r.t, err)
	data, err := sealed.Open(r.enc)
	must(r.t, err)
	var plain frame.HistoryPlain
	must(r.t, strict.Unmarshal(data, &plain))
	for i, m := range plain.Messages {
		if m.Seq != page.From+chat.Seq(i) {
			r.t.Fatalf("got seq %d at place %d of a page from %d", m.Seq, i, page.From)
		}
	}
	if int(page.To-page.From)+1 != len(plain.Messages) {
		r.t.Fatalf("%d messages on a page from %d to %d", len(plain.Messages), page.From, page.To)
	}
	return page, plain.Messages
}

// text verifies a message and returns what it says.
func (r *reader) text(m frame.MessagePlain) string {
	r.t.Helper()
	signed, err := envelope.ParseSigned(m.JWS, envelope.TypeMessage)
	must(r.t, err)
	payload, err := signed.Verify(r.signing.Public())
	must(r.t, err)
	var claims frame.MessageClaims
	must(r.t, strict.Unmarshal(payload, &claims))
	return claims.Body
}

// TestHistoryAtItsLimits reads a log of 10,000 messages, some of them as long
// as can be, from its beginning to its end and from places in between, while
// others go on writing.
func TestHistoryAtItsLimits(t *testing.T) {
	r := newReader(t)
	const count, more = 10_000, 100
	long := map[chat.Seq]bool{1: true, 4999: true, 5000: true, count: true}
	body := func(seq chat.Seq) string {
		text := fmt.Sprintf("%d.", seq)
		if long[seq] {
			text += strings.Repeat("x", chat.MaxBody-len(text))
		}
		return text
	}
	writing, ctx := errgroup.WithContext(t.Context())
	writing.SetLimit(32)
	for seq := chat.Seq(1); seq <= count; seq++ {
		writing.Go(func() error { return r.write(ctx, seq, body(seq)) })
	}
	must(t, writing.Wait())

	for _, from := range []chat.Seq{0, 1, 2, 15, 16, 4997, 4998, 4999, 5000, 7777, count - 1, count,
		count + 1, 1<<53 - 2} {
		for _, limit := range []int{1, chat.MaxHistoryLimit} {
			page, messages := r.page(from, limit)
			if page.From != from+1 || page.Head != count || page.Floor != 1 ||
				page.More != (page.To < count) || len(messages) > limit {
				t.Errorf("after %d at most %d: %d messages on %+v", from, limit, len(messages), page)
			}
			if want := from < count; (len(messages) > 0) != want {
				t.Errorf("after %d: %d messages", from, len(messages))
			}
			for _, m := range messages {
				if got := r.text(m); got != body(m.Seq) {
					t.Fatalf("seq %d reads %.20q, %d bytes", m.Seq, got, len(got))
				}
			}
		}
	}

	others, ctx := errgroup.WithContext(t.Context())
	others.Go(func() error {
		for seq := chat.Seq(count + 1); seq <= count+more; seq++ {
			if err := r.write(ctx, seq, body(seq)); err != nil {
				return err
			}
		}
		return nil
	})
	last, head, pages := chat.Seq(0), chat.Seq(0), 0
	for last < count+more && ctx.Err() == nil { // which ends when a write fails
		page, messages := r.page(last, chat.MaxHistoryLimit)
		if page.Head < head || page.Head < page.To || page.From != last+1 ||
			page.More != (page.To < page.Head) && len(messages) > 0 {
			t.Fatalf("after %d, under head %d: %d messages on %+v", last, head, len(messages), page)
		}
		for _, m := range messages {
			if got := r.text(m); got != body(m.Seq) {
				t.Fatalf("seq %d reads %.20q, %d bytes", m.Seq, got, len(got))
			}
		}
		last, head, pages = page.To, page.Head, pages+1
	}
	must(t, others.Wait())
	t.Logf("%d messages on %d pages", last, pages)
}
