package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// maxLine is the maximum size of a pasted frame in bytes. API Gateway posts at
// most 128 KB.
const maxLine = 256 << 10

var errLineTooLong = errors.New("the line is not a frame: it has more than 256 KB")

// frameReader reads lines of any length from a terminal. In canonical mode a
// terminal cuts lines at 4,095 bytes (termios(3)), so frameReader uses raw
// mode.
type frameReader struct {
	ctx   context.Context
	file  *os.File // the terminal, or nil if stdin is not a terminal
	lines *bufio.Reader
}

func newFrameReader(ctx context.Context, stdin io.Reader) *frameReader {
	r := &frameReader{ctx: ctx, lines: bufio.NewReader(stdin)}
	if isTerminal(stdin) {
		r.file = stdin.(*os.File)
	}
	return r
}

// next returns the next line without its end. Errors: io.EOF, also for Ctrl-D;
// context.Canceled, also for Ctrl-C.
func (r *frameReader) next() (string, error) {
	if r.file != nil {
		state, err := term.MakeRaw(int(r.file.Fd()))
		if err != nil {
			return "", fmt.Errorf("cannot read the terminal: %w; pass the frame through a pipe", err)
		}
		// Restore it at once, because raw mode changes how output looks.
		defer func() { _ = term.Restore(int(r.file.Fd()), state) }()
	}
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := readLine(r.lines, r.file != nil)
		read <- result{line, err}
	}()
	select {
	case got := <-read:
		return got.line, got.err
	case <-r.ctx.Done():
		return "", r.ctx.Err()
	}
}

// The keys that a program must handle itself in raw mode.
const (
	ctrlC = 3
	ctrlD = 4
)

func readLine(r io.ByteReader, raw bool) (string, error) {
	var line []byte
	for {
		b, err := r.ReadByte()
		switch {
		case err == io.EOF && len(line) > 0:
			return string(line), nil
		case err != nil:
			return "", err
		case b == '\n' || raw && b == '\r':
			return string(line), nil
		case raw && b == ctrlC:
			return "", context.Canceled
		case raw && b == ctrlD:
			return "", io.EOF
		case len(line) == maxLine:
			return "", errLineTooLong
		}
		line = append(line, b)
	}
}
