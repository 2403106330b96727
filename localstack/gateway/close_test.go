package gateway

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// basicFunctions accept connections and messages.
var basicFunctions = map[string]function{"$connect": returns(ok), "$disconnect": returns(ok), "$default": returns(ok)}

func TestA2_6_PingIsAnswered(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": returns(ok)}, nil)
	c := s.dialRaw()
	c.write(frame(fin|opPing, []byte("hello")))
	if opcode, payload := c.readFrame(); opcode != opPong || string(payload) != "hello" {
		t.Errorf("got frame %x %q, want pong with hello", opcode, payload)
	}
	// Also inside a fragmented message.
	c.write(frame(opText, []byte("a")))
	c.write(frame(fin|opPing, nil))
	if opcode, _ := c.readFrame(); opcode != opPong {
		t.Errorf("got frame %x, want pong", opcode)
	}
	c.write(frame(fin|opContinuation, []byte("b")))
	if e, _ := s.event("$default"); e.Body != "ab" {
		t.Errorf("got body %q, want ab", e.Body)
	}
	s.noEvent("$default") // control frames reach no route
}

func TestA2_7_PingAndIdleness(t *testing.T) {
	t.Parallel()
	for _, resets := range []bool{false, true} {
		s := start(t, basicFunctions, func(o *Options) { o.Inferred.PingResetsIdle = resets })
		c := s.dialRaw()
		s.clock.Advance(9 * time.Minute)
		c.write(frame(fin|opPing, nil))
		if opcode, _ := c.readFrame(); opcode != opPong {
			t.Fatalf("got frame %x, want pong", opcode)
		}
		s.clock.Advance(time.Minute)
		s.gateway.expire()
		want := 0
		if resets {
			want = 1
		}
		s.wantConnections(want)
	}
}

func TestA8_3_Idle(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	const almost = 10*time.Minute - time.Millisecond
	s.clock.Advance(almost)
	s.gateway.expire()
	c.send("x") // a message from the client restarts the timeout
	s.event("$default")
	s.clock.Advance(almost)
	s.gateway.expire()
	s.mustPost(c.id, "x") // and so does one to it
	c.receive()
	eventually(t, "the post has restarted the timeout", func() bool {
		s.gateway.mu.Lock()
		defer s.gateway.mu.Unlock()
		return s.gateway.connections[c.id].lastActive.Load() == s.clock.Now().UnixNano()
	})
	s.clock.Advance(almost)
	s.gateway.expire()
	if n := s.gateway.Connections(); n != 1 {
		t.Fatalf("got %d connections before the idle timeout, want 1", n)
	}
	s.clock.Advance(time.Millisecond)
	s.gateway.expire()
	c.wantClosed(1001, "Going away")
	s.wantDisconnect(1001, "Going away")
}

func TestA8_3_PostsDoNotCountWithTheOption(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, func(o *Options) { o.Inferred.OnlyReceivedResetsIdle = true })
	c := s.dial()
	s.clock.Advance(9 * time.Minute)
	s.mustPost(c.id, "x")
	c.receive()
	s.clock.Advance(time.Minute)
	s.gateway.expire()
	c.wantClosed(1001, "Going away")
	s.wantDisconnect(1001, "Going away")
}

func TestA8_3_SweepClosesIdleConnections(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, func(o *Options) { o.Sweep = time.Millisecond })
	c := s.dial()
	s.clock.Advance(10 * time.Minute)
	c.wantClosed(1001, "Going away")
}

func TestA8_4_Lifetime(t *testing.T) {
	t.Parallel()
	for _, code := range []int{0, 1000} {
		s := start(t, basicFunctions, func(o *Options) { o.Inferred.LifetimeCloseCode = code })
		c := s.dial()
		for range 2*60 - 1 { // busy all the time
			s.clock.Advance(time.Minute)
			c.send("x")
			s.event("$default")
			s.gateway.expire()
		}
		if n := s.gateway.Connections(); n != 1 {
			t.Fatalf("got %d connections before the end of the lifetime, want 1", n)
		}
		s.clock.Advance(time.Minute)
		c.send("x")
		s.event("$default")
		s.gateway.expire()
		want := 1001
		if code != 0 {
			want = code
		}
		c.wantClosed(websocket.StatusCode(want), "Going away")
		s.wantDisconnect(int64(want), "Going away")
	}
}

func TestA8_6_ClientClosesWithoutStatus(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dialRaw()
	c.write(frame(fin|opClose, nil))
	if opcode, payload := c.readFrame(); opcode != opClose || len(payload) != 0 {
		t.Errorf("got frame %x %q, want a close frame without status", opcode, payload)
	}
	s.wantDisconnect(1005, "Client-side close frame status not set")
}

// wantClientClose closes a connection from the client's side and compares the
// $disconnect event.
func (s *stack) wantClientClose(code websocket.StatusCode, reason, want string) {
	s.t.Helper()
	c := s.dial()
	if err := c.Close(code, reason); err != nil {
		s.t.Errorf("Close(%d): %v", code, err)
	}
	s.wantDisconnect(int64(code), want)
	if n := s.gateway.Connections(); n != 0 {
		s.t.Errorf("%d connections", n)
	}
}

func TestA8_7_BrowserNavigatesAway(t *testing.T) {
	t.Parallel()
	start(t, basicFunctions, nil).wantClientClose(websocket.StatusGoingAway, "", "")
}

func TestA8_8_ClientCloses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code   websocket.StatusCode
		reason string
		omit   bool
		want   string
	}{
		{1000, "", false, ""},
		{1000, "bye", false, "bye"},
		{4321, "<\"own\" & é>", false, "<\"own\" & é>"},
		{4321, "bye", true, ""},
	} {
		s := start(t, basicFunctions, func(o *Options) { o.Inferred.OmitClientCloseReason = test.omit })
		s.wantClientClose(test.code, test.reason, test.want)
	}
}

func TestA8_9_Dropped(t *testing.T) {
	t.Parallel()
	for _, loss := range []struct {
		name string
		drop func(*net.TCPConn)
	}{
		{"end of stream", func(c *net.TCPConn) { c.Close() }},
		{"reset", func(c *net.TCPConn) { c.SetLinger(0); c.Close() }},
		{"inside a frame", func(c *net.TCPConn) { c.Write(frame(fin|opText, []byte("hello"))[:8]); c.Close() }},
		{"inside a header", func(c *net.TCPConn) { c.Write([]byte{fin | opText}); c.Close() }},
		{"inside a message", func(c *net.TCPConn) { c.Write(frame(opText, []byte("hello"))); c.Close() }},
	} {
		for _, code := range []int{0, 1001} {
			s := start(t, basicFunctions, func(o *Options) { o.Inferred.DropCode = code })
			loss.drop(s.dialRaw().Conn.(*net.TCPConn))
			want := int64(1006)
			if code != 0 {
				want = int64(code)
			}
			if got, reason := s.disconnected(); got != want || reason != "" {
				t.Errorf("%s: got $disconnect event with %d %q, want %d without reason", loss.name, got, reason, want)
			}
			s.noEvent("$default")
		}
	}
}

func TestC7_PostsToALostClient(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok), "$default": returns(ok)},
		func(o *Options) { o.Limits.Write = time.Hour })
	stalled := s.dialStalled() // like a client whose network has failed
	s.mustPost(stalled, "answered with 200")
	for _, c := range s.gateway.openSockets() {
		c.drop() // Shutdown would wait for the client
	}
}

func TestC7_DroppedConnectionStaysUntilIdle(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, func(o *Options) { o.Inferred.DropUntilIdle = true })
	c := s.dial()
	c.CloseNow()
	lost := s.gateway.openSockets()[0]
	<-lost.writerEnded // the gateway has noticed
	for range 20 {
		s.mustPost(c.id, "discarded")
	}
	s.noEvent("$disconnect")
	s.clock.Advance(10 * time.Minute)
	s.gateway.expire()
	s.wantDisconnect(1006, "")
	s.wantConnections(0)
}

func TestA8_12_DisconnectRunsAfterTheClose(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok), "$disconnect": fails("x")},
		nil) // its error has no effect (A6.8)
	c := s.dial()
	c.Close(1000, "")
	e, _ := s.event("$disconnect")
	if e.RequestContext.ConnectionID != c.id {
		t.Errorf("got $disconnect event of %q, want %q", e.RequestContext.ConnectionID, c.id)
	}
	s.wantConnections(0)
	s.noEvent("$disconnect")
}

func TestA8_14_DisconnectMayOverlapMessages(t *testing.T) {
	t.Parallel()
	for _, waits := range []bool{false, true} {
		release := make(chan struct{})
		s := start(t, map[string]function{
			"$connect": returns(ok), "$disconnect": returns(ok),
			"$default": func(context.Context, []byte) ([]byte, string, error) {
				<-release
				return []byte(ok), "", nil
			},
		}, func(o *Options) { o.Inferred.DisconnectWaitsForMessages = waits })
		c := s.dial()
		c.send("x")
		s.event("$default")
		c.Close(1000, "")
		if waits {
			s.noEvent("$disconnect")
			close(release)
			s.event("$disconnect")
		} else {
			s.event("$disconnect")
			close(release)
		}
	}
}

func TestMessagesAfterACloseFrameAreNotHandled(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dialRaw()
	c.write(append(frame(fin|opClose, []byte{3, 232}), frame(fin|opText, []byte("too late"))...))
	s.wantDisconnect(1000, "")
	s.noEvent("$default")
}

func TestA8_14_ConnectEndsBeforeTheFirstMessage(t *testing.T) {
	t.Parallel()
	var connected atomic.Bool
	s := start(t, map[string]function{
		"$connect": func(context.Context, []byte) ([]byte, string, error) {
			for range 1000 { // gives time to a message that would not wait
				runtime.Gosched()
			}
			connected.Store(true)
			return []byte(ok), "", nil
		},
		"$default": func(context.Context, []byte) ([]byte, string, error) {
			if !connected.Load() {
				t.Error("got a message before $connect has returned, want it after")
			}
			return []byte(ok), "", nil
		},
	}, nil)
	s.dialRaw(frame(fin|opText, []byte("sent with the handshake"))...)
	s.event("$default")
}

func TestA8_10_CloseCodeIsFixed(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	path := "/prod/@connections/" + url.PathEscape(c.id) + "?code=4000&reason=mine"
	if response, body := s.request(http.MethodDelete, path, `{"code":4000,"reason":"mine"}`,
		true); response.StatusCode != 204 {
		t.Errorf("got %s %s, want 204", response.Status, body)
	}
	c.wantClosed(1000, "Connection Closed Normally")
}

func TestA8_11_Never1008(t *testing.T) {
	t.Parallel()
	// The code is never 1008, whatever rule a client violates.
	wrong := map[string][]byte{
		"binary":      frame(fin|opBinary, nil),
		"not UTF-8":   frame(fin|opText, []byte{0xff}),
		"big frame":   frameHeader(fin|opText, 32<<10+1),
		"big message": frameHeader(fin|opText, 1<<40),
	}
	for name, bytes := range invalidFrames {
		wrong[name] = bytes
	}
	for name, bytes := range wrong {
		s := start(t, map[string]function{"$disconnect": returns(ok)}, nil)
		c := s.dialRaw()
		c.write(bytes)
		opcode, payload := c.readFrame()
		if code := binary.BigEndian.Uint16(payload); opcode != opClose || code == 1008 {
			t.Errorf("%s: got frame %x %d, want a close frame with another code than 1008", name, opcode, code)
		}
		c.Close()
		if code, _ := s.disconnected(); code == 1008 {
			t.Errorf("%s: got $disconnect event with 1008, want another code", name)
		}
	}
}

func TestA6_8_DisconnectErrorsReachNoClient(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{
		"$connect": returns(ok), "$disconnect": fails("x"), "$default": echoes,
	}, twoWay("$default"))
	other := s.dial()
	c := s.dialRaw()
	s.event("$connect")
	c.write(frame(fin|opClose, []byte{3, 232}))
	if opcode, payload := c.readFrame(); opcode != opClose || binary.BigEndian.Uint16(payload) != 1000 {
		t.Errorf("got frame %x %q, want close frame 1000", opcode, payload)
	}
	if rest, err := io.ReadAll(c.reader); err != nil || len(rest) != 0 {
		t.Errorf("got %q, %v after the close frame, want nothing", rest, err)
	}
	s.event("$disconnect")
	other.send("x")
	other.wantReceive("x")
}
