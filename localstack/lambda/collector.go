package lambda

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"
)

// maxLine is the length in bytes at which a line of output is split: the size
// of a CloudWatch Logs event.
const maxLine = 256 << 10

// collector passes on an instance's output line by line, with the lines that
// Lambda adds.
//
// To find out when everything that a process wrote has been read, the collector
// writes a mark into the same pipe and waits until it reads the mark. So END
// can follow the invocation's last line. This works on every system and needs
// no end of file, which may never come: a grandchild may keep the pipe open.
type collector struct {
	s    *Service
	fn   Function
	r, w *os.File
	mark []byte // random, so no output can contain it by accident

	syncing sync.Mutex
	synced  chan struct{}
	done    chan struct{} // the reader has ended

	mu  sync.Mutex
	inv *invocation // the invocation that lines belong to now, or nil
}

func newCollector(s *Service, fn Function) (*collector, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe for output: %w", err)
	}
	mark := make([]byte, 16)
	_, _ = rand.Read(mark) // never fails (crypto/rand)
	c := &collector{
		s:      s,
		fn:     fn,
		r:      r,
		w:      w,
		mark:   []byte(hex.EncodeToString(mark)),
		synced: make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	go c.read()
	return c, nil
}

// sync returns when everything written so far has been passed on.
func (c *collector) sync() {
	c.syncing.Lock()
	defer c.syncing.Unlock()
	// The mark is shorter than PIPE_BUF, so the write is atomic.
	if _, err := c.w.Write(append(bytes.Clone(c.mark), '\n')); err != nil {
		return
	}
	select {
	case <-c.synced:
	case <-c.done:
	}
}

func (c *collector) close() {
	c.w.Close()
	c.r.Close()
	<-c.done
}

func (c *collector) read() {
	defer close(c.done)
	var pending []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := c.r.Read(buf)
		pending = append(pending, buf[:n]...)
		for {
			i := bytes.IndexByte(pending, '\n')
			if i < 0 {
				break
			}
			c.line(pending[:i])
			pending = pending[i+1:]
		}
		// Keep the end of a long line: it may be the beginning of the mark.
		for len(pending) > maxLine+len(c.mark) {
			c.line(pending[:maxLine])
			pending = pending[maxLine:]
		}
		if err != nil {
			if len(pending) > 0 {
				c.line(pending)
			}
			return
		}
	}
}

// line handles a line of the process. It may end in the mark, or be the mark.
func (c *collector) line(text []byte) {
	text, marked := bytes.CutSuffix(text, c.mark)
	if !marked || len(text) > 0 {
		c.mu.Lock()
		c.write(c.inv, string(bytes.TrimSuffix(text, []byte("\r"))))
		c.mu.Unlock()
	}
	if marked {
		c.synced <- struct{}{}
	}
}

// begin makes the lines from here on belong to an invocation.
func (c *collector) begin(inv *invocation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inv == inv {
		return
	}
	c.inv = inv
	if c.fn.Logging.JSON {
		c.platform(inv, "platform.start", "INFO", platformRecord{RequestID: inv.id, Version: inv.version})
		return
	}
	c.write(inv, "START RequestId: "+inv.id+" Version: "+inv.version)
}

// report writes the end of an invocation's log (LDG "Lambda log formats").
// memory is the instance's peak in bytes, 0 if unknown.
func (c *collector) report(inv *invocation, memory int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv = nil
	if c.fn.Logging.JSON {
		c.reportJSON(inv, memory)
		return
	}
	o := inv.outcome
	status := ""
	switch {
	case o.timedOut:
		c.write(inv, time.Now().UTC().Format("2006-01-02T15:04:05.000Z")+" "+inv.id+" "+timeoutText(c.fn.Timeout))
		status = "Status: timeout"
	case o.crash != "":
		c.write(inv, "RequestId: "+inv.id+" Error: "+o.crash)
		c.write(inv, o.errorType)
		status = "Status: error\tError Type: " + cmp.Or(o.reported, o.errorType)
	}
	c.write(inv, "END RequestId: "+inv.id)
	ms, billed := milliseconds(inv.used), inv.billed()
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\t",
		inv.id, ms, billed, c.fn.MemoryMB)
	if memory > 0 {
		line += fmt.Sprintf("Max Memory Used: %d MB\t", megabytes(memory))
	}
	if inv.initDuration > 0 {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(inv.initDuration))
	}
	c.write(inv, line+status)
}

// billed returns the billed duration in milliseconds. Initialization is billed
// since 2025 (AWS Compute Blog, "AWS Lambda standardizes billing for INIT
// Phase").
func (inv *invocation) billed() float64 { return math.Ceil(milliseconds(inv.used + inv.initDuration)) }

// initFailed reports a failed initialization: a first attempt, or the second
// one, which is part of an invocation.
func (c *collector) initFailed(took time.Duration, second bool, o *outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	phase := "init"
	if second {
		phase = "invoke"
	}
	if c.fn.Logging.JSON {
		c.initFailedJSON(took, phase, o)
		return
	}
	status := "error\tError Type: " + o.errorType
	if o.timedOut {
		status = "timeout"
	}
	c.write(c.inv, fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s",
		milliseconds(took), phase, status))
}

// write passes on one line, to the service's output and to the log tail of a
// caller that asked for it.
func (c *collector) write(inv *invocation, line string) {
	id, short := "", "-"
	if inv != nil {
		id, short = inv.id, inv.id[:8]
		if inv.wantTail {
			inv.tail.add(line)
		}
	}
	c.s.outputMu.Lock()
	defer c.s.outputMu.Unlock()
	if c.s.opt.Line != nil {
		c.s.opt.Line(c.fn.Name, id, line)
		return
	}
	// The reader of the log may be gone; the functions run on without it.
	_, _ = io.WriteString(c.s.opt.Output, c.fn.Name+" "+short+" "+line+"\n")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// maxTail bounds the part of the log that a caller gets, in bytes (API
// reference, Invoke, X-Amz-Log-Result).
const maxTail = 4 << 10

// tail keeps the last maxTail bytes of a log.
type tail struct{ text []byte }

func (t *tail) add(line string) {
	t.text = append(append(t.text, line...), '\n')
	if extra := len(t.text) - maxTail; extra > 0 {
		t.text = bytes.Clone(t.text[extra:])
	}
}

func (t *tail) String() string { return string(t.text) }
