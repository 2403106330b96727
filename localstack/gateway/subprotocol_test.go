package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestA2_2_Compression(t *testing.T) {
	t.Parallel()
	for _, negotiates := range []bool{false, true} {
		s := start(t, map[string]function{"$default": echoes, "$disconnect": returns(ok)}, func(o *Options) {
			twoWay("$default")(o)
			o.Inferred.Compression = negotiates
		})
		c, response, err := s.tryDial("/prod", &websocket.DialOptions{
			CompressionMode:      websocket.CompressionContextTakeover,
			CompressionThreshold: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		if extension := response.Header.Get("Sec-WebSocket-Extensions"); strings.HasPrefix(extension,
			"permessage-deflate") != negotiates || !negotiates && extension != "" {
			t.Errorf("got extension %q, want permessage-deflate %t", extension, negotiates)
		}
		text := strings.Repeat("x", 20_000)
		c.send(text)
		c.wantReceive(text)
		if negotiates { // the limit of 128 KB is for the decompressed message
			c.send(strings.Repeat("x", 128<<10+1))
			if code, _ := c.closed(); code != websocket.StatusMessageTooBig {
				t.Errorf("got close code %d, want 1009", code)
			}
			s.wantDisconnect(1009, "")
		}
	}
}

// offerSubprotocols opens a connection that offers two subprotocols. It returns
// the answer to the handshake.
func offerSubprotocols(s *stack) *http.Response {
	s.t.Helper()
	return s.get(s.t, "/prod", "", http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"chat1, chat2"},
	})
}

func TestA2_3_SubprotocolIsNotEchoed(t *testing.T) {
	t.Parallel()
	response := offerSubprotocols(start(t, map[string]function{"$connect": returns(ok)}, nil))
	if _, echoed := response.Header["Sec-Websocket-Protocol"]; response.StatusCode != 101 || echoed {
		t.Errorf("got %s %v, want 101 without a subprotocol", response.Status, response.Header)
	}
	response = offerSubprotocols(start(t, nil, nil))
	if _, echoed := response.Header["Sec-Websocket-Protocol"]; response.StatusCode != 101 || echoed {
		t.Errorf("without $connect: got %s %v, want 101 without a subprotocol", response.Status, response.Header)
	}
}

func TestA2_4_FunctionSelectsTheSubprotocol(t *testing.T) {
	t.Parallel()
	for result, want := range map[string]string{
		`{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"chat2"}}`:              "chat2",
		`{"statusCode":200,"headers":{"sec-websocket-protocol":"chat2"}}`:              "chat2",
		`{"statusCode":200,"multiValueHeaders":{"Sec-WebSocket-Protocol":["chat2"]}}`:  "chat2",
		`{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"a\r\nX-Injected: 1"}}`: "a  X-Injected: 1",
	} {
		response := offerSubprotocols(start(t, map[string]function{"$connect": returns(result)}, nil))
		if got := response.Header.Get("Sec-WebSocket-Protocol"); response.StatusCode != 101 ||
			got != want || response.Header.Get("X-Injected") != "" {
			t.Errorf("%s: got %s %v, want 101 with subprotocol %q", result, response.Status, response.Header, want)
		}
	}
}

func TestA2_5_OfferIsOneString(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	offerSubprotocols(s)
	if e, _ := s.event("$connect"); e.Headers["Sec-WebSocket-Protocol"] != "chat1, chat2" {
		t.Errorf("got headers %v in the event, want Sec-WebSocket-Protocol: chat1, chat2", e.Headers)
	}
}
