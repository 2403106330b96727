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

// maxLine bounds a pasted frame in bytes; API Gateway posts at most 128 KB.
const maxLine = 256 << 10

var errLineTooLong = errors.New("that line is no frame: it has more than 256 KB")

// frameReader reads lines that may be longer than a terminal passes on: in its
// cooked mode it cuts them at 4,095 bytes (termios(3), canonical mode).
type frameReader struct {
	ctx   context.Context
	file  *os.File // the terminal, or nil
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
			return "", fmt.Errorf("cannot read the terminal: %w; give the frame through a pipe", err)
		}
		// Back at once, so that what is printed next looks as it should.
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

// The keys that a raw terminal leaves to the program.
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
