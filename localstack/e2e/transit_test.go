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
// gateway and between functions and the AWS endpoint while people talk, read
// the history, rotate keys and lose an instance. No text is in these bytes, in
// no form; that it would have been seen is shown by texts that are put there.
func TestEverythingIsEncryptedInTransit(t *testing.T) {
	ctx := patient(t)
	toGateway, toAWS := record(t), record(t)
	s := ownStack(t, "-endpoint", "http://"+toAWS.address(), "-parameter", "Audience="+toGateway.address()+"/local")
	toGateway.pass(s.address)
	toAWS.pass(s.address)
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
		if _, err := c.Join(ctx, room); err != nil {
			t.Fatal(err)
		}
		users = append(users, c)
	}
	heard := follow(t, users[1], room)
	var sent acks
	for i, text := range texts {
		sent.add(text, mustSend(ctx, t, users[i%2], room, text))
		if i == 1 {
			if _, err := users[1].Rotate(ctx); err != nil {
				t.Fatal(err)
			}
			s.breaks(t, fault.Fault{Kind: fault.LambdaLoseResponse, Target: sendFunction, Count: 1})
		}
	}
	for _, sub := range []*client.Subscription{heard, follow(t, users[0], room)} { // the second reads history
		all, err := hear(ctx, sub, len(texts))
		if err := errors.Join(err, sent.check(all)); err != nil {
			t.Fatal(err)
		}
	}
	s.idle(t, sendFunction)

	// All that there is to record is recorded.
	for _, what := range []string{frame.ActionHandshake, frame.ActionSendMessage, frame.ActionHistory,
		frame.ActionRotateKey, frame.TypeAck, frame.TypeMessage} {
		if len(toGateway.find([]byte(`"`+what+`"`))) == 0 {
			t.Errorf("no %s was recorded between clients and gateway", what)
		}
	}
	for _, what := range []string{
		"DynamoDB_20120810.TransactWriteItems", "DynamoDB_20120810.Query", "TrentService.Decrypt",
		"TrentService.Encrypt",
		"POST /@connections/", `"sealed"`, string(room),
	} {
		if len(toAWS.find([]byte(what))) == 0 {
			t.Errorf("no %s was recorded between functions and AWS", what)
		}
	}
	for _, r := range []*recorder{toGateway, toAWS} {
		// Nothing is compressed, which would hide a text from the search.
		for _, what := range []string{"Content-Encoding:", "Sec-WebSocket-Extensions: permessage-deflate; server"} {
			if where := r.find([]byte(what)); len(where) > 0 {
				t.Errorf("%s in %v", what, where)
			}
		}
		for _, text := range texts {
			for form, b := range forms(text[:min(len(text), 30)]) {
				if where := r.find(b); len(where) > 0 {
					t.Errorf("%.20q is on the wire, %s: %v", text, form, where)
				}
			}
		}
	}
	toGateway.shows(t, func(text string) {
		c, err := openSocket(ctx, outside)
		if err != nil {
			t.Fatal(err)
		}
		defer c.drop()
		if err := c.send(ctx, `{"action":"ping","ref":"`+text+`"}`); err != nil {
			t.Fatal(err)
		}
		if _, err := c.receive(ctx, frame.TypeError); err != nil { // has the ref, so both directions have the text
			t.Fatal(err)
		}
	})
	toAWS.shows(t, func(text string) {
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
		_, _ = management.NewFromConfig(config).PostToConnection(ctx, // nobody has this connection
			&management.PostToConnectionInput{ConnectionId: aws.String("none="), Data: []byte(text)})
	})
}

// recorder passes TCP connections on and keeps what goes over them.
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

func record(t testing.TB) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &recorder{listener: l}
}

func (r *recorder) address() string { return r.listener.Addr().String() }

// pass passes what comes, and has come so far, on to an address.
func (r *recorder) pass(address string) {
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

// find names the streams that have these bytes, as they went over the wire or
// in the payload of WebSocket frames, which clients send masked.
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

// shows wants a text that is planted to be found, among requests and responses.
func (r *recorder) shows(t *testing.T, plant func(text string)) {
	t.Helper()
	const text = "planted in the open 5f1e"
	plant(text)
	forward := false
	for form, b := range forms(text) {
		for _, where := range r.find(b) {
			forward = forward || strings.HasPrefix(where, "request")
			t.Logf("a planted text is seen %s in %s", form, where)
		}
	}
	if !forward {
		t.Error("the recorder does not see a text that goes over the wire in the open")
	}
}

// payload returns what the WebSocket frames (RFC 6455 §5.2) of a stream carry;
// empty if it is no WebSocket's.
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
			end = len(rest) // still on its way
		}
		for i, b := range rest[min(at, end):end] {
			plain = append(plain, b^mask[i%4])
		}
		rest = rest[end:]
	}
	return plain
}
