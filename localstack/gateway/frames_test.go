package gateway

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

func TestA8_1_BinaryFrame(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": returns(ok), "$disconnect": returns(ok)}, nil)
	c := s.dialRaw()
	c.write(frame(fin|opBinary, []byte(`{}`)))
	c.wantClose(1003)
	s.wantDisconnect(1003, "")
	s.noEvent("$default")
}

func TestA8_2_FrameLimit(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": returns(ok), "$disconnect": returns(ok)}, nil)
	const limit = 32 << 10
	c := s.dialRaw()
	c.write(frame(fin|opText, bytes.Repeat([]byte("x"), limit)))
	if e, _ := s.event("$default"); len(e.Body) != limit {
		t.Errorf("got body of %d bytes, want %d", len(e.Body), limit)
	}
	c.write(frame(fin|opText, bytes.Repeat([]byte("x"), limit+1)))
	c.wantClose(1009)
	s.wantDisconnect(1009, "")
	s.noEvent("$default")
}

func TestA8_2_FrameLimitInsideAMessage(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$disconnect": returns(ok)}, nil)
	c := s.dialRaw()
	c.write(frame(opText, []byte("x")))
	c.write(frameHeader(fin|opContinuation, 32<<10+1)) // refused before its payload comes
	c.wantClose(1009)
	c.Close()
	s.wantDisconnect(1009, "")
}

func TestA8_2_MessageLimit(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": returns(ok), "$disconnect": returns(ok)}, nil)
	c := s.dialRaw()
	part := bytes.Repeat([]byte("x"), 32<<10)
	sendMessage := func(last ...byte) {
		c.write(frame(opText, part))
		for range 2 {
			c.write(frame(opContinuation, part))
		}
		c.write(frame(opContinuation, part[:len(part)-1]))
		c.write(frame(fin|opContinuation, last))
	}
	sendMessage('x')
	if e, _ := s.event("$default"); len(e.Body) != 128<<10 {
		t.Errorf("got body of %d bytes, want %d", len(e.Body), 128<<10)
	}
	sendMessage('x', 'x')
	c.wantClose(1009)
	s.wantDisconnect(1009, "")
	s.noEvent("$default")
}

// The close frame must arrive even if the client continues to send. Without
// reading on, a reset could overtake it.
func TestA8_2_CloseFrameArrivesDuringAFlood(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$disconnect": returns(ok)}, nil)
	c := s.dialRaw()
	c.write(frame(fin|opText, bytes.Repeat([]byte("x"), 8<<20)))
	c.write(frame(fin|opText, []byte("and more")))
	c.wantClose(1009)
	s.wantDisconnect(1009, "")
}

func TestMessagesBeforeAViolationAreHandled(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": returns(ok), "$disconnect": returns(ok)}, nil)
	c := s.dialRaw()
	c.write(append(frame(fin|opText, []byte("first")), frame(fin|opBinary, []byte("second"))...))
	c.wantClose(1003)
	if e, _ := s.event("$default"); e.Body != "first" {
		t.Errorf("got body %q, want first", e.Body)
	}
	s.wantDisconnect(1003, "")
}

// invalidFrames violate the framing (RFC 6455 §5).
var invalidFrames = map[string][]byte{
	"reserved bit 1":              frame(fin|0x40|opText, []byte("x")),
	"reserved bit 2":              frame(fin|0x20|opText, []byte("x")),
	"reserved bit 3":              frame(fin|0x10|opText, []byte("x")),
	"reserved data opcode":        frame(fin|0x3, []byte("x")),
	"reserved control opcode":     frame(fin|0xB, nil),
	"unmasked":                    {fin | opText, 1, 'x'},
	"unmasked ping":               {fin | opPing, 0},
	"fragmented ping":             frame(opPing, nil),
	"long ping":                   frame(fin|opPing, bytes.Repeat([]byte("x"), 126)),
	"continuation of nothing":     frame(fin|opContinuation, []byte("x")),
	"message inside a message":    append(frame(opText, []byte("x")), frame(fin|opText, []byte("y"))...),
	"length above 2^63":           frameHeader(fin|opText, 1<<63),
	"length of all ones":          frameHeader(fin|opText, 1<<64-1),
	"ping with length above 2^63": frameHeader(fin|opPing, 1<<63),
}

func TestInvalidFramesClose1002(t *testing.T) {
	t.Parallel()
	for name, bytes := range invalidFrames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, map[string]function{"$disconnect": returns(ok)}, nil)
			c := s.dialRaw()
			c.write(bytes)
			c.wantClose(1002)
			c.Close()
			s.wantDisconnect(1002, "")
		})
	}
}

func TestInvalidCloseFrames(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string][]byte{
		"one byte":      {3},
		"code 0":        {0, 0},
		"code 1005":     binary.BigEndian.AppendUint16(nil, 1005),
		"code 1006":     binary.BigEndian.AppendUint16(nil, 1006),
		"code 2999":     binary.BigEndian.AppendUint16(nil, 2999),
		"code 5000":     binary.BigEndian.AppendUint16(nil, 5000),
		"code 1015":     binary.BigEndian.AppendUint16(nil, 1015),
		"one byte, FIN": {0xff},
	} {
		s := start(t, map[string]function{"$disconnect": returns(ok)}, nil)
		c := s.dialRaw()
		c.write(frame(fin|opClose, payload))
		if opcode, payload := c.readFrame(); opcode != opClose || binary.BigEndian.Uint16(payload) != 1002 {
			t.Errorf("%s: got frame %x %q, want close frame 1002", name, opcode, payload)
		}
		s.wantDisconnect(1002, "")
	}
}

func TestScannerDoesNotDependOnReadSizes(t *testing.T) {
	t.Parallel()
	stream := frame(opText, []byte("ab"))
	stream = append(stream, frame(fin|opPing, []byte("ping"))...)
	stream = append(stream, frame(fin|opContinuation, []byte(strings.Repeat("c", 300)))...)
	stream = append(stream, frame(fin|opText, []byte(strings.Repeat("d", 70000)))...)
	stream = append(stream, frame(fin|opBinary, nil)...)
	want := len(stream) - 1 - maskLength // at the last byte of the binary frame's length
	for _, size := range []int{1, 2, 3, 5, 7, 13, 4096, len(stream)} {
		s := frameScanner{maxFrame: 100000, maxMessage: 100000}
		at := 0
		for at < len(stream) {
			chunk := stream[at:min(at+size, len(stream))]
			good, violation := s.scan(chunk)
			at += good
			if violation != nil {
				if violation != unsupportedData {
					t.Errorf("chunks of %d: got %v, want %v", size, violation, unsupportedData)
				}
				break
			}
		}
		if at != want {
			t.Errorf("chunks of %d: got stopped at %d, want %d", size, at, want)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, bytes := range invalidFrames {
		f.Add(bytes, uint8(3))
	}
	f.Add(append(frame(opText, []byte("ab")), frame(fin|opContinuation, []byte("cd"))...), uint8(1))
	f.Add(frame(fin|opClose, []byte{3, 232}), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		step := int(size) + 1
		whole := frameScanner{maxFrame: 100, maxMessage: 200}
		wantAt, want := whole.scan(stream)
		parts := frameScanner{maxFrame: 100, maxMessage: 200}
		at, violation := 0, (*closure)(nil)
		for at < len(stream) && violation == nil {
			var n int
			n, violation = parts.scan(stream[at:min(at+step, len(stream))])
			at += n
		}
		if at != wantAt || violation != want {
			t.Errorf("in parts of %d: got %d %v, want %d %v as for the whole", step, at, violation, wantAt, want)
		}
	})
}

// RFC 6455 §5.5.1 and §8.1: the reason of a close frame is UTF-8.
func TestCloseReasonThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	for _, test := range []struct {
		reason string
		want   uint16
	}{{"\xff\xfe", 1007}, {"half \xe2\x82", 1007}, {"\xed\xa0\x80", 1007}, {"good €", 1000}, {"", 1000}} {
		for _, pieces := range []bool{false, true} {
			c := s.dialRaw()
			s.event("$connect")
			bytes := frame(fin|opClose, append([]byte{3, 232}, test.reason...))
			if pieces {
				for _, b := range bytes {
					c.write([]byte{b})
				}
			} else {
				c.write(bytes)
			}
			opcode, payload := c.readFrame()
			if opcode != opClose || binary.BigEndian.Uint16(payload) != test.want {
				t.Errorf("reason %q in pieces %v: got frame %x %q, want a close frame with %d",
					test.reason, pieces, opcode, payload, test.want)
			}
			s.event("$disconnect")
		}
	}
}
