package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"

	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/inspect"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// row is an item of a table.
type row = map[string]dynamodbtypes.AttributeValue

// errand is one run of a stack in which every function does everything that it
// can do, also what only a crash, a race or the passing of time brings about.
// For that, the run writes rows as such events leave them.
type errand struct {
	t   *testing.T
	ctx context.Context
	s   *stack
	db  *dynamodb.Client

	tables map[string]string // names by logical id
}

// TestPoliciesGrantWhatIsUsed computes what the template's policies grant to
// each function and compares it with the requests of a run. No request is
// denied, and each permission is needed by a request: an action on a resource
// under a condition's value.
func TestPoliciesGrantWhatIsUsed(t *testing.T) {
	s := ownStack(t) // whose log has no denied request, or the test fails
	r := &errand{
		t:      t,
		ctx:    testContext(t),
		s:      s,
		db:     dynamodb.NewFromConfig(awsConfig(s.url)),
		tables: map[string]string{},
	}
	ada, bob := openSession(r.ctx, t, s, newUser(t, "ada")), openSession(r.ctx, t, s, newUser(t, "bob"))
	room := newRoom("used")
	r.answered(bob, frame.Request{Action: frame.ActionCreateRoom, Room: room}, frame.TypeCreated)
	r.answered(bob, join(room), frame.TypeJoined)
	r.answered(bob, bob.sealed(bob.message(room, nil)), frame.TypeAck)
	r.answered(ada, join(room), frame.TypeJoined)
	r.talk(ada, room)
	r.answered(ada, frame.Request{Action: frame.ActionRooms}, frame.TypeRooms) // before there is the key
	r.useClosedRoom(ada, bob)
	r.loseConnections(ada, room)
	r.useDevices(ada)
	r.race(ada, room)
	r.rotate(bob)
	r.crowd(room) // instances of deliver find a new data key
	r.talk(bob, room)
	r.closeBrokenClients()
	r.closeStrangers()
	for _, p := range []*peer{ada, bob} {
		p.drop()
	}
	if !eventually(func() bool { return len(r.spare()) == 0 }) {
		for _, p := range r.spare() {
			t.Errorf("no request needed %s of %s on %s %v (policy %q): remove it or let the run use it", p.Action, p.Function,
				p.Resource, p.Conditions, p.Policy)
		}
	}
}

// spare returns the permissions that no request has needed.
func (r *errand) spare() (spare []inspect.Permission) {
	r.t.Helper()
	response, err := http.Get(r.s.url + "/_localstack/permissions")
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var granted []inspect.Permission
	if err := json.Unmarshal(body, &granted); err != nil {
		r.t.Fatalf("decode the permissions %s: %v", body, err)
	}
	if len(granted) < 100 {
		r.t.Fatalf("got %d permissions, want those of all functions", len(granted))
	}
	for _, p := range granted {
		if p.Requests == 0 {
			spare = append(spare, p)
		}
	}
	return spare
}

// answered sends a frame and waits for its answer.
func (r *errand) answered(p *peer, f frame.Request, typ string) {
	r.t.Helper()
	p.sendFrame(f)
	if _, err := p.receive(r.ctx, typ); err != nil {
		r.t.Fatalf("%s: %v", f.Action, err)
	}
}

// useClosedRoom makes every change of a closed room, and connects and rotates a
// key as its owner.
func (r *errand) useClosedRoom(owner, guest *peer) {
	r.t.Helper()
	room := chat.NewClosedRoom()
	for _, step := range []struct {
		by *peer
		op frame.RoomClaims
	}{
		{owner, frame.RoomClaims{Op: frame.OpCreate, Name: "den", History: chat.HistoryAll}},
		{owner, frame.RoomClaims{Op: frame.OpInvite, User: guest.user.name}},
		{guest, frame.RoomClaims{Op: frame.OpAccept}},
		{owner, frame.RoomClaims{Op: frame.OpRole, User: guest.user.name, Role: chat.RoleModerator}},
		{owner, frame.RoomClaims{Op: frame.OpRemove, User: guest.user.name}},
	} {
		step.op.Room = room
		r.answered(step.by, step.by.operation(step.op), frame.TypeAck)
	}
	for _, only := range []chat.Room{"", room} {
		r.answered(owner, frame.Request{Action: frame.ActionRooms, Room: only}, frame.TypeRooms)
	}
	openSession(r.ctx, r.t, r.s, owner.user).drop()
	owner.user.opening, owner.user.gen = newDecryptionKey(r.t), owner.user.gen+1
	r.answered(owner, nextKeyOf(owner, owner.user.gen), frame.TypeRotated)
	r.answered(owner, owner.operation(frame.RoomClaims{Op: frame.OpLeave, Room: room}), frame.TypeAck)
}

// talk sends every frame of a member, and one that no route takes.
func (r *errand) talk(p *peer, room chat.Room) {
	r.t.Helper()
	message := p.sealed(p.message(room, nil))
	for range 2 { // the second one is a repeat
		r.answered(p, message, frame.TypeAck)
	}
	r.answered(p, frame.Request{Action: frame.ActionHistory, Room: room}, frame.TypeHistory)
	r.answered(p, frame.Request{Action: frame.ActionPing}, frame.TypePong)
	r.answered(p, frame.Request{Action: frame.ActionPresence, Room: room}, frame.TypePresence)
	p.sendFrame(frame.Request{Action: frame.ActionTyping, Room: room})
	p.sendFrame(frame.Request{Action: frame.ActionMark, Room: room, Delivered: 1, Read: 1})
	p.sendFrame(`{"action":"none"}`)
	if _, err := p.receive(r.ctx, frame.TypeError); err != nil {
		r.t.Fatal(err)
	}
	other := newDecryptionKey(r.t)
	sealed, err := envelope.Seal(other.Public(), envelope.TypeSend, []byte("{}"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.answered(p, send(sealed), frame.TypeError) // with the key set
}

// loseConnections leaves rows of connections that ended without $disconnect:
// enough of them that the room is large, and that the next handshake closes
// some of the device.
func (r *errand) loseConnections(p *peer, room chat.Room) {
	r.t.Helper()
	listener := r.find("ListenersTable", "of", "room#"+string(room))
	mine := r.find("ListenersTable", "of", "user#"+string(p.user.name))
	connection := r.find("ConnectionsTable", "user", string(p.user.name))
	r.crowd(room)
	for i := range chat.MaxConnections + 5 {
		r.put("ListenersTable", mine, lost(i))
		r.put("ConnectionsTable", connection, lost(i))
	}
	r.answered(p, p.sealed(p.message(room, nil)), frame.TypeAck)
	waitUntil(r.t, "the rows of lost connections are removed", func() bool {
		for i := range chat.MaxConnections + 5 {
			if r.get("ListenersTable", "room#"+string(room), lostID(i)) != nil {
				return false
			}
		}
		return true
	})
	again := openSession(r.ctx, r.t, r.s, p.user) // closes the oldest connections
	again.drop()
	for _, action := range []string{frame.ActionTyping, frame.ActionMark} {
		r.put("ListenersTable", listener, lost(-1))
		f := frame.Request{Action: action, Room: room}
		if action == frame.ActionMark {
			f.Delivered, f.Read = 1, 1
		}
		p.sendFrame(f)
		waitUntil(r.t, "the row of a lost connection is removed", func() bool {
			return r.get("ListenersTable", "room#"+string(room), lostID(-1)) == nil
		})
	}
	lobby := r.find("ListenersTable", "of", "room#"+string(chat.Lobby))
	r.put("ListenersTable", lobby, lost(-1))
}

// crowd makes a room large by listeners whose connections were lost. Their ids
// sort between those of the room's real ones, so that sendMessage posts to one
// of these and hands the other over.
func (r *errand) crowd(name chat.Room) {
	r.t.Helper()
	r.answered(openSession(r.ctx, r.t, r.s, newUser(r.t, "other")), join(name), frame.TypeJoined)
	out, err := r.db.Scan(r.ctx, &dynamodb.ScanInput{
		TableName:                 aws.String(r.table("ListenersTable")),
		FilterExpression:          aws.String("#a = :v"),
		ExpressionAttributeNames:  map[string]string{"#a": "of"},
		ExpressionAttributeValues: row{":v": stringOf("room#" + string(name))},
	})
	if err != nil || len(out.Items) < 2 {
		r.t.Fatalf("found %d listeners of %s, %v; want two", len(out.Items), name, err)
	}
	id := func(listener row) string { return listener["connection"].(*dynamodbtypes.AttributeValueMemberS).Value }
	listener := slices.MinFunc(out.Items, func(a, b row) int { return strings.Compare(id(a), id(b)) })
	first := id(listener)
	for i := range room.ChunkSize + 5 {
		between := lost(i)
		between["connection"] = stringOf(fmt.Sprintf("%s%04d", first, i))
		r.put("ListenersTable", listener, between)
	}
}

// lost returns the attributes of a connection that was lost.
func lost(i int) row {
	earlier := time.Now().Add(-10 * time.Minute)
	return row{"connection": stringOf(lostID(i)), "connectedAt": numberOf(fmt.Sprint(earlier.UnixMilli()))}
}

// lostID returns the id of a connection that never existed, in API Gateway's
// form.
func lostID(i int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "lost%07d", i))
}

// useDevices links a device, rotates a key, revokes the device, and joins a
// room while rows of the revoked device are left.
func (r *errand) useDevices(p *peer) {
	r.t.Helper()
	second := &user{name: p.user.name, signing: newSigningKey(r.t), opening: newDecryptionKey(r.t), gen: 1}
	device := chat.Device(second.signing.Public().Thumbprint())
	q := connect(r.ctx, r.t, r.s, second)
	q.begin()
	link := p.sign(envelope.TypeLink, frame.LinkClaims{
		Sub: p.user.name,
		Aud: p.audience,
		Dev: device,
		Exp: time.Now().Add(time.Minute).Unix(),
	})
	r.answered(q, prove(q.proof(func(c *frame.HandshakeClaims) { c.Link = link })), frame.TypeWelcome)
	r.answered(p, frame.Request{Action: frame.ActionDevices}, frame.TypeDevices)
	left := r.find("ListenersTable", "device", string(device))
	r.answered(p, frame.Request{
		Action: frame.ActionRevokeDevice,
		Proof:  p.sign(envelope.TypeRevoke, frame.RevokeClaims{SID: p.sid, Dev: device}),
	}, frame.TypeRevoked)
	r.put("ListenersTable", left, row{
		"of":         stringOf("user#" + string(p.user.name)),
		"connection": stringOf(lostID(-2)),
	})
	p.enterRoom(newRoom("left"))
}

// race lets a membership change in the middle of a leave and of a rotation.
func (r *errand) race(p *peer, room chat.Room) {
	r.t.Helper()
	member := r.find("MembershipsTable", "room", string(room))
	member["user"] = stringOf(string(p.user.name))
	during := func(f fault.Fault, begin func(), happens func() bool, change func()) {
		r.t.Helper()
		r.s.injectFault(r.t, f)
		begin()
		waitUntil(r.t, "the call is in its middle", happens)
		change()
		r.s.clearFaults(r.t)
	}
	slow := func(operation, table string, count uint64) fault.Fault {
		return fault.Fault{
			Kind:   fault.DynamoDBLateError,
			Target: operation,
			Table:  r.table(table),
			Count:  count,
			Delay:  fault.Duration(time.Second),
		}
	}
	left := make(chan error, 1)
	p.sendFrame(frame.Request{Action: frame.ActionLeaveRoom, Room: room})
	go func() {
		_, err := p.receive(r.ctx, frame.TypeLeft)
		left <- err
	}()
	for joining := true; joining; { // again and again, so that a join falls into the leave
		r.put("MembershipsTable", member, nil)
		select {
		case err := <-left:
			if err != nil {
				r.t.Fatal(err)
			}
			joining = false
		default:
		}
	}
	p.user.opening, p.user.gen = newDecryptionKey(r.t), p.user.gen+1
	during(slow("PutItem", "ListenersTable", 1), func() {
		p.sendFrame(nextKeyOf(p, p.user.gen))
	}, func() bool { return r.s.struck(r.t) > 0 }, func() {
		r.remove("MembershipsTable", row{"user": member["user"], "room": member["room"]})
	})
	if _, err := p.receive(r.ctx, frame.TypeRotated); err != nil {
		r.t.Fatal(err)
	}
}

var (
	retiredAt = regexp.MustCompile(`"at":\d+`)
	createdAt = regexp.MustCompile(`"created":\d+`)
)

// rotate runs the function that makes keys, as the schedule does, and lets a
// server key and a data key get old in between.
func (r *errand) rotate(p *peer) {
	r.t.Helper()
	run := func() {
		r.t.Helper()
		out, err := lambda.NewFromConfig(awsConfig(r.s.url)).Invoke(r.ctx, &lambda.InvokeInput{
			FunctionName: aws.String(rotateFunction),
			Payload:      []byte(`{}`),
		})
		if err != nil || out.FunctionError != nil {
			r.t.Fatalf("rotate: got %+v, %v; want no error", out, err)
		}
	}
	run()
	run()
	r.change("KeysTable", row{"kind": stringOf("keyset"), "id": stringOf("current")}, retiredAt, `"at":1`)
	for _, id := range []string{"1", "2"} {
		r.change("KeysTable", row{"kind": stringOf("data"), "id": stringOf(id)}, createdAt, `"created":1`)
	}
	// The second wrapping key counts as replaced long ago. The first one
	// authenticates the frames of open connections.
	r.change("KeysTable", row{"kind": stringOf("wrap"), "id": stringOf("3")}, createdAt, `"created":1`)
	run()
	stranger := connect(r.ctx, r.t, r.s, newUser(r.t, "stranger"))
	stranger.begin()
	p.server = stranger.server // the newest
}

// closeBrokenClients sends what makes functions close a connection.
func (r *errand) closeBrokenClients() {
	r.t.Helper()
	stranger := newSigningKey(r.t)
	for name, broken := range map[string]func(p *peer) frame.Request{
		"mallory": func(p *peer) frame.Request { return send(p.seal(envelope.TypeSend, "{}")) },
		"trudy": func(p *peer) frame.Request {
			p.user.signing = stranger
			return nextKeyOf(p, 2)
		},
	} {
		p := openSession(r.ctx, r.t, r.s, newUser(r.t, name))
		r.answered(p, broken(p), frame.TypeError)
		if _, err := p.closed(r.ctx); err != nil {
			r.t.Fatalf("%s: %v", name, err)
		}
	}
}

// nextKeyOf returns a frame that makes the user's encryption key the newest.
func nextKeyOf(p *peer, gen int64) frame.Request {
	p.t.Helper()
	claims := frame.RotateClaims{SID: p.sid, Enc: p.user.opening.Public().JWK(), Gen: gen}
	return frame.Request{Action: frame.ActionRotateKey, Proof: p.sign(envelope.TypeRotate, claims)}
}

func stringOf(s string) dynamodbtypes.AttributeValue {
	return &dynamodbtypes.AttributeValueMemberS{Value: s}
}
func numberOf(s string) dynamodbtypes.AttributeValue {
	return &dynamodbtypes.AttributeValueMemberN{Value: s}
}

func (r *errand) table(id string) string {
	r.t.Helper()
	if r.tables[id] == "" {
		r.tables[id] = tableNamed(r.ctx, r.t, r.db, id)
	}
	return r.tables[id]
}

// find returns a row with that value of an attribute.
func (r *errand) find(table, attribute, value string) row {
	r.t.Helper()
	out, err := r.db.Scan(r.ctx, &dynamodb.ScanInput{
		TableName:                 aws.String(r.table(table)),
		FilterExpression:          aws.String("#a = :v"),
		ExpressionAttributeNames:  map[string]string{"#a": attribute},
		ExpressionAttributeValues: row{":v": stringOf(value)},
	})
	if err != nil || len(out.Items) == 0 {
		r.t.Fatalf("%s: found no row with %s = %s, %v", table, attribute, value, err)
	}
	return out.Items[0]
}

// put writes a row with some attributes changed.
func (r *errand) put(table string, item, changed row) {
	r.t.Helper()
	item = maps.Clone(item)
	maps.Copy(item, changed)
	if _, err := r.db.PutItem(r.ctx, &dynamodb.PutItemInput{TableName: aws.String(r.table(table)),
		Item: item}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *errand) remove(table string, key row) {
	r.t.Helper()
	if _, err := r.db.DeleteItem(r.ctx, &dynamodb.DeleteItemInput{TableName: aws.String(r.table(table)),
		Key: key}); err != nil {
		r.t.Fatal(err)
	}
}

// get returns a row of listeners, nil if there is none.
func (r *errand) get(table, of, connection string) row {
	r.t.Helper()
	return r.item(table, row{"of": stringOf(of), "connection": stringOf(connection)})
}

func (r *errand) item(table string, key row) row {
	r.t.Helper()
	out, err := r.db.GetItem(r.ctx, &dynamodb.GetItemInput{
		TableName:      aws.String(r.table(table)),
		Key:            key,
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if len(out.Item) == 0 {
		return nil
	}
	return out.Item
}

// change replaces a part of a key record.
func (r *errand) change(table string, key row, pattern *regexp.Regexp, by string) {
	r.t.Helper()
	item := r.item(table, key)
	if item == nil {
		r.t.Fatalf("%s: found no row %v", table, key)
	}
	value := item["value"].(*dynamodbtypes.AttributeValueMemberB).Value
	if !pattern.Match(value) {
		r.t.Fatalf("%s: got the record %s, want one with %s", table, value, pattern)
	}
	r.put(table, item, row{"value": &dynamodbtypes.AttributeValueMemberB{Value: pattern.ReplaceAll(value, []byte(by))}})
}

// closeStrangers sends frames of each action on a connection without a session,
// until the service closes it.
func (r *errand) closeStrangers() {
	r.t.Helper()
	for _, action := range []string{
		"none", "handshake", "sendMessage", "history", "rooms", "createRoom", "joinRoom", "leaveRoom", "rotateKey",
		"devices", "revokeDevice", "ping", "presence", "typing", "mark",
	} {
		p := connect(r.ctx, r.t, r.s, &user{name: "stranger"})
		p.mustBeClosed(`{"action":"`+action+`"}`, chat.MaxStrangerRefusals)
	}
}
