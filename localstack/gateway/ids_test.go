package gateway

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"
)

// idForm matches the ids of API Gateway.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{15}=$`)

// contexts returns the request contexts of the CONNECT event, two MESSAGE
// events and the DISCONNECT event of a connection.
func contexts(s *stack) []events.APIGatewayWebsocketProxyRequestContext {
	s.t.Helper()
	c, _, err := s.tryDial("/prod", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	connect, _ := s.event("$connect")
	c.send("x")
	first, _ := s.event("$default")
	c.send("x")
	second, _ := s.event("$default")
	c.Close(websocket.StatusNormalClosure, "")
	disconnect, _ := s.event("$disconnect")
	return []events.APIGatewayWebsocketProxyRequestContext{
		connect.RequestContext, first.RequestContext, second.RequestContext, disconnect.RequestContext,
	}
}

func TestA9_1_ConnectionIDs(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	seen := map[string]bool{}
	for range 3 {
		list := contexts(s)
		id := list[0].ConnectionID
		if !idForm.MatchString(id) || seen[id] {
			t.Errorf("got connection id %q, want a new one like %s", id, idForm)
		}
		seen[id] = true
		for _, c := range list {
			if c.ConnectionID != id {
				t.Errorf("%s: got connection id %q, want %q", c.EventType, c.ConnectionID, id)
			}
		}
	}
}

func TestA9_2_RequestIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range contexts(start(t, basicFunctions, nil)) {
		if !idForm.MatchString(c.RequestID) || c.RequestID != c.ExtendedRequestID || seen[c.RequestID] {
			t.Errorf("%s: got request id %q, extended %q, want the same new one like %s", c.EventType,
				c.RequestID, c.ExtendedRequestID, idForm)
		}
		seen[c.RequestID] = true
	}
}

func TestA9_3_MessageIDs(t *testing.T) {
	t.Parallel()
	list := contexts(start(t, basicFunctions, nil))
	first, _ := list[1].MessageID.(string)
	second, _ := list[2].MessageID.(string)
	id := list[0].ConnectionID
	for _, messageID := range []string{first, second} {
		if !idForm.MatchString(messageID) || messageID == id || !strings.HasSuffix(messageID, id[len(id)-7:]) {
			t.Errorf("got message id %q, want another id with the ending of connection %q", messageID, id)
		}
	}
	if first == second {
		t.Errorf("got message id %q twice, want two ids", first)
	}
}

func TestA9_4_ConnectionIDInConnect(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial() // its id is that of the CONNECT event
	s.mustPost(c.id, "hello")
	c.wantReceive("hello")
}

// The answer to a refused post has the requested id as a JSON string.
func TestInvalidIDIsQuoted(t *testing.T) {
	t.Parallel()
	s := start(t, nil, nil)
	_, body := s.request("POST", "/prod/@connections/%22%5C%3Cx%3E", "x", true)
	var answer map[string]string
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer["connectionId"] != `"\<x>` {
		t.Errorf("got body %s (%v), want the id as a JSON string", body, err)
	}
}
