package e2e

import (
	"bytes"
	bigendian "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	management "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
)

// TestEverythingIsEncryptedInTransit records every byte between clients and the
// gateway and between functions and the AWS endpoint, while users chat, read
// the history, rotate keys and lose an instance. No text is in these bytes, in
// any form. Texts that are sent in the clear on purpose show that the search
// would find one.
func TestEverythingIsEncryptedInTransit(t *testing.T) {
	ctx := testContext(t)
	toGateway, toAWS := newRecorder(t), newRecorder(t)
	s := ownStack(t, "-endpoint", "http://"+toAWS.address(), "-parameter", "Audience="+toGateway.address()+"/local")
	toGateway.forwardTo(s.address)
	toAWS.forwardTo(s.address)
	outside := "ws://" + toGateway.address() + "/local"

	room := newRoom("recorded")
	texts := []string{"correct horse battery staple 91c4", "Grüße aus dem Tresor, Ünïcödé", "short-1",
		strings.Repeat("a long one that fills a page. ", 400)}
	var users []*client.Client
	for _, name := range []chat.User{"ada", "bob"} {
		c, err := client.Open(ctx, client.Options{URL: outside, User: name})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := enterAsClient(ctx, c, room); err != nil {
			t.Fatal(err)
		}
		users = append(users, c)
	}
	live := subscribeAll(t, users[1], room)
	var sent acks
	for i, text := range texts {
		sent.add(text, mustSend(ctx, t, users[i%2], room, text))
		if i == 1 {
			if _, err := users[1].Rotate(ctx); err != nil {
				t.Fatal(err)
			}
			s.injectFault(t, fault.Fault{Kind: fault.LambdaLoseResponse, Target: sendFunction, Count: 1})
		}
	}
	for _, sub := range []*client.Subscription{live, subscribeAll(t, users[0], room)} { // the second reads history
		all, err := receiveMessages(ctx, sub, len(texts))
		if err := errors.Join(err, sent.check(all)); err != nil {
			t.Fatal(err)
		}
	}
	s.waitIdle(t, sendFunction)

	// The recording is complete.
	for _, what := range []string{frame.ActionHandshake, frame.ActionSendMessage, frame.ActionHistory,
		frame.ActionRotateKey, frame.TypeAck, frame.TypeMessage} {
		if len(toGateway.find([]byte(`"`+what+`"`))) == 0 {
			t.Errorf("got no %s between clients and gateway, want at least one", what)
		}
	}
	for _, what := range []string{
		"DynamoDB_20120810.TransactWriteItems", "DynamoDB_20120810.Query", "TrentService.Decrypt",
		"TrentService.Encrypt",
		"POST /@connections/", `"sealed"`, string(room),
	} {
		if len(toAWS.find([]byte(what))) == 0 {
			t.Errorf("got no %s between functions and AWS, want at least one", what)
		}
	}
	for _, r := range []*recorder{toGateway, toAWS} {
		// Nothing is compressed; that would hide a text from the search.
		for _, what := range []string{"Content-Encoding:", "Sec-WebSocket-Extensions: permessage-deflate; server"} {
			if where := r.find([]byte(what)); len(where) > 0 {
				t.Errorf("got %s in %v, want it nowhere", what, where)
			}
		}
		for _, text := range texts {
			for form, b := range forms(text[:min(len(text), 30)]) {
				if where := r.find(b); len(where) > 0 {
					t.Errorf("got %.20q on the wire (%s) in %v, want it nowhere", text, form, where)
				}
			}
		}
	}
	toGateway.mustFind(t, func(text string) {
		c, err := openSocket(ctx, outside)
		if err != nil {
			t.Fatal(err)
		}
		defer c.drop()
		if err := c.send(ctx, `{"action":"ping","ref":"`+text+`"}`); err != nil {
			t.Fatal(err)
		}
		if _, err := c.receive(ctx, frame.TypeError); err != nil { // repeats the ref, so both directions carry the text
			t.Fatal(err)
		}
	})
	toAWS.mustFind(t, func(text string) {
		config := awsConfig("http://" + toAWS.address())
		put := &dynamodb.PutItemInput{TableName: aws.String(tableNames(t,
			s).Messages), Item: map[string]types.AttributeValue{
			"log": &types.AttributeValueMemberS{Value: "planted"}, "seq": &types.AttributeValueMemberN{Value: "1"},
			"sealed": &types.AttributeValueMemberB{Value: []byte("x" + text)}, // on the wire in base64, at an offset
		}}
		db := dynamodb.NewFromConfig(config)
		_, putErr := db.PutItem(ctx, put)
		_, readErr := db.Scan(ctx, &dynamodb.ScanInput{TableName: put.TableName})
		keys := kms.NewFromConfig(config)
		list, listErr := keys.ListKeys(ctx, &kms.ListKeysInput{})
		if err := errors.Join(putErr, readErr, listErr); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Encrypt(ctx, &kms.EncryptInput{
			KeyId:     list.Keys[0].KeyId,
			Plaintext: []byte(text),
		}); err != nil {
			t.Fatal(err)
		}
		_, _ = management.NewFromConfig(config).PostToConnection(ctx, // there is no such connection
			&management.PostToConnectionInput{ConnectionId: aws.String("none="), Data: []byte(text)})
	})
}

// recorder forwards TCP connections and keeps the bytes.
type recorder struct {
	listener net.Listener

	mu      sync.Mutex
	streams []*stream
}

// stream is one direction of one connection.
type stream struct {
	name string
	data output
}

func newRecorder(t testing.TB) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &recorder{listener: l}
}

func (r *recorder) address() string { return r.listener.Addr().String() }

// forwardTo forwards all connections to an address, also those accepted before
// the call.
func (r *recorder) forwardTo(address string) {
	go func() {
		for n := 0; ; n++ {
			from, err := r.listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", address)
			if err != nil {
				_ = from.Close()
				continue
			}
			go r.copy(fmt.Sprintf("request %d", n), to, from)
			go r.copy(fmt.Sprintf("response %d", n), from, to)
		}
	}()
}

func (r *recorder) copy(name string, to, from net.Conn) {
	s := &stream{name: name}
	r.mu.Lock()
	r.streams = append(r.streams, s)
	r.mu.Unlock()
	_, _ = io.Copy(to, io.TeeReader(from, &s.data)) // ends with either side
	_, _ = from.Close(), to.Close()
}

// find returns the names of the streams that contain b, on the wire or in the
// payload of WebSocket frames, which clients send masked.
func (r *recorder) find(b []byte) (where []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.streams {
		data := []byte(s.data.String())
		if bytes.Contains(data, b) || bytes.Contains(payload(data), b) {
			where = append(where, s.name)
		}
	}
	return where
}

// mustFind sends a text in the clear and fails the test unless the recorder
// finds it in a request.
func (r *recorder) mustFind(t *testing.T, plant func(text string)) {
	t.Helper()
	const text = "planted in the clear 5f1e"
	plant(text)
	forward := false
	for form, b := range forms(text) {
		for _, where := range r.find(b) {
			forward = forward || strings.HasPrefix(where, "request")
			t.Logf("found a planted text (%s) in %s", form, where)
		}
	}
	if !forward {
		t.Error("got no match of a text that was sent in the clear, want one in a request")
	}
}

// payload returns the payload of a stream's WebSocket frames (RFC 6455 §5.2),
// or nothing if the stream is not a WebSocket.
func payload(data []byte) (plain []byte) {
	head, rest, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	if !bytes.Contains(bytes.ToLower(head), []byte("upgrade: websocket")) {
		return nil
	}
	for len(rest) >= 2 {
		masked, size, at := rest[1]&0x80 != 0, int(rest[1]&0x7f), 2
		switch {
		case size == 126 && len(rest) >= 4:
			size, at = int(bigendian.BigEndian.Uint16(rest[2:])), 4
		case size == 127 && len(rest) >= 10:
			size, at = int(bigendian.BigEndian.Uint64(rest[2:])), 10
		}
		var mask [4]byte
		if masked && len(rest) >= at+4 {
			mask, at = [4]byte(rest[at:]), at+4
		}
		end := at + size
		if end > len(rest) {
			end = len(rest) // the rest was not recorded yet
		}
		for i, b := range rest[min(at, end):end] {
			plain = append(plain, b^mask[i%4])
		}
		rest = rest[end:]
	}
	return plain
}
