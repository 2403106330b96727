// Command function does what its event asks for, so that the tests can see
// every way in which a function may end.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string
	Text string
	N    int
	File string
}

// count survives between the invocations of one instance.
var count int

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("no configuration")
		os.Exit(3)
	case "hang":
		waitForFile(context.Background(), "absent")
	case "once": // fails the first time only
		if f, err := os.OpenFile(os.Getenv("MARK"), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			os.Exit(4)
		}
	case "slow":
		waitForFile(context.Background(), os.Getenv("MARK"))
	}
	var options []lambda.Option
	if path := os.Getenv("SIGTERM"); path != "" {
		options = append(options, lambda.WithEnableSIGTERM(func() {
			os.WriteFile(path, []byte("terminated"), 0o600)
			if os.Getenv("STUBBORN") == "" {
				os.Exit(0)
			}
		}))
	}
	if path := os.Getenv("NOTIFY"); path != "" {
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		go func() {
			<-terminated
			os.WriteFile(path, nil, 0o600)
		}()
	}
	lambda.StartWithOptions(handle, options...)
}

func handle(ctx context.Context, ev event) (any, error) {
	count++
	switch ev.Do {
	case "count":
		return count, nil
	case "fail":
		return nil, errors.New(ev.Text)
	case "panic":
		panic(ev.Text)
	case "exit":
		fmt.Print("last words") // no newline
		os.Exit(ev.N)
	case "block": // until the file exists
		fmt.Println("waiting")
		waitForFile(ctx, ev.File)
		return "released", nil
	case "hang": // whatever the deadline
		if ev.File != "" {
			os.WriteFile(ev.File, nil, 0o600)
		}
		select {}
	case "large":
		return strings.Repeat("x", ev.N), nil
	case "halfway":
		return &broken{text: "beginning"}, nil
	case "env":
		return os.Environ(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		dir, _ := os.Getwd()
		return map[string]any{
			"requestId": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "dir": dir,
			"trace": os.Getenv("_X_AMZN_TRACE_ID"), "client": lc.ClientContext.Client.AppTitle,
			"deadline": strconv.FormatInt(deadline.UnixMilli(), 10), "pid": os.Getpid(),
		}, nil
	case "print":
		for i := range ev.N {
			if i%2 == 0 {
				fmt.Println(ev.Text, i)
			} else {
				fmt.Fprintln(os.Stderr, ev.Text, i)
			}
		}
		return nil, nil
	case "long":
		fmt.Println(strings.Repeat("y", ev.N))
		return nil, nil
	case "child": // leaves a process behind that holds the output open
		child := exec.Command("sleep", "600")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			return nil, err
		}
		return child.Process.Pid, nil
	case "background": // goes on after the response, as far as it can
		f, err := os.OpenFile(ev.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		f.WriteString("tick")
		go func() {
			for {
				f.WriteString("tick")
				time.Sleep(time.Millisecond)
			}
		}()
		return nil, exec.Command("sh", "-c", "while printf tick; do sleep 0.01; done >>"+ev.File).Start()
	case "say":
		fmt.Println("says", ev.Text)
		return ev.Text, nil
	case "fetch":
		res, err := http.Get(ev.Text)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, err
	case "allocate": // N MB
		block := make([]byte, ev.N<<20)
		for i := range block {
			block[i] = byte(i)
		}
		if ev.Text == "hold" {
			waitForFile(ctx, "absent")
		}
		return int(block[len(block)-1]), nil
	case "shell":
		return nil, exec.CommandContext(ctx, "sh", "-c", ev.Text).Run()
	case "leave": // a file for whoever comes next, and then the end
		if err := os.WriteFile(filepath.Join(os.TempDir(), ev.Text), nil, 0o600); err != nil {
			return nil, err
		}
		if ev.N > 0 {
			os.Exit(ev.N)
		}
		select {}
	case "files":
		list, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
		for i := range list {
			list[i] = filepath.Base(list[i])
		}
		return append(list, os.Getenv("AWS_LAMBDA_LOG_STREAM_NAME"), fmt.Sprint(count)), err
	case "trace":
		f, err := os.OpenFile(ev.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(f, os.Getenv("_X_AMZN_TRACE_ID"))
		return nil, f.Close()
	case "record": // one line per attempt
		f, err := os.OpenFile(ev.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		lc, _ := lambdacontext.FromContext(ctx)
		fmt.Fprintln(f, lc.AwsRequestID)
		if err := f.Close(); err != nil {
			return nil, err
		}
		if ev.Text != "" {
			return nil, errors.New(ev.Text)
		}
		return nil, nil
	}
	return json.RawMessage(`"` + ev.Text + `"`), nil
}

func waitForFile(ctx context.Context, path string) {
	for ctx.Err() == nil {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// broken is a response that fails after its beginning.
type broken struct{ text string }

func (b *broken) Read(p []byte) (int, error) {
	if b.text == "" {
		return 0, errors.New("source is gone")
	}
	n := copy(p, b.text)
	b.text = b.text[n:]
	return n, nil
}

func (b *broken) MarshalJSON() ([]byte, error) { return nil, io.ErrUnexpectedEOF }
