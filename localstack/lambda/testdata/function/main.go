// Command function does what its event asks for, so that tests can see every
// way in which a function may end.
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
	Do   string // the action
	Text string
	N    int
	File string
}

// count counts the invocations of an instance.
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

// handle runs the action of an event. Without an action it returns the text.
func handle(ctx context.Context, ev event) (any, error) {
	count++
	if action := actions[ev.Do]; action != nil {
		return action(ctx, ev)
	}
	return json.RawMessage(`"` + ev.Text + `"`), nil
}

var actions = map[string]func(context.Context, event) (any, error){
	"count": func(context.Context, event) (any, error) { return count, nil },
	"env":   func(context.Context, event) (any, error) { return os.Environ(), nil },

	"fail":  func(_ context.Context, ev event) (any, error) { return nil, errors.New(ev.Text) },
	"panic": func(_ context.Context, ev event) (any, error) { panic(ev.Text) },
	"exit": func(_ context.Context, ev event) (any, error) {
		fmt.Print("last words") // no newline
		os.Exit(ev.N)
		return nil, nil
	},
	"block": func(ctx context.Context, ev event) (any, error) { // until the file exists
		fmt.Println("waiting")
		waitForFile(ctx, ev.File)
		return "released", nil
	},
	"hang": func(_ context.Context, ev event) (any, error) { // beyond the deadline
		if ev.File != "" {
			os.WriteFile(ev.File, nil, 0o600)
		}
		select {}
	},
	"large":   func(_ context.Context, ev event) (any, error) { return strings.Repeat("x", ev.N), nil },
	"halfway": func(context.Context, event) (any, error) { return &broken{text: "beginning"}, nil },

	"context":    describeContext,
	"print":      printLines,
	"child":      leaveChild,
	"background": runInBackground,
	"allocate":   allocate,
	"leave":      leaveFile,
	"files":      listFiles,
	"write":      writeFile,

	"long": func(_ context.Context, ev event) (any, error) {
		fmt.Println(strings.Repeat("y", ev.N))
		return nil, nil
	},
	"say": func(_ context.Context, ev event) (any, error) {
		fmt.Println("says", ev.Text)
		return ev.Text, nil
	},
	"fetch": func(_ context.Context, ev event) (any, error) {
		res, err := http.Get(ev.Text)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, err
	},
	"shell": func(ctx context.Context, ev event) (any, error) {
		return nil, exec.CommandContext(ctx, "sh", "-c", ev.Text).Run()
	},
	"trace": func(_ context.Context, ev event) (any, error) {
		return nil, appendLine(ev.File, os.Getenv("_X_AMZN_TRACE_ID"))
	},
	"record": func(ctx context.Context, ev event) (any, error) { // one line per attempt
		lc, _ := lambdacontext.FromContext(ctx)
		if err := appendLine(ev.File, lc.AwsRequestID); err != nil {
			return nil, err
		}
		if ev.Text != "" {
			return nil, errors.New(ev.Text)
		}
		return nil, nil
	},
}

func describeContext(ctx context.Context, _ event) (any, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	dir, _ := os.Getwd()
	return map[string]any{
		"requestId": lc.AwsRequestID,
		"arn":       lc.InvokedFunctionArn,
		"dir":       dir,
		"trace":     os.Getenv("_X_AMZN_TRACE_ID"),
		"client":    lc.ClientContext.Client.AppTitle,
		"deadline":  strconv.FormatInt(deadline.UnixMilli(), 10),
		"pid":       os.Getpid(),
	}, nil
}

// printLines writes N lines, by turns to stdout and stderr.
func printLines(_ context.Context, ev event) (any, error) {
	for i := range ev.N {
		if i%2 == 0 {
			fmt.Println(ev.Text, i)
		} else {
			fmt.Fprintln(os.Stderr, ev.Text, i)
		}
	}
	return nil, nil
}

// leaveChild leaves a process behind that holds the output open.
func leaveChild(context.Context, event) (any, error) {
	child := exec.Command("sleep", "600")
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil {
		return nil, err
	}
	return child.Process.Pid, nil
}

// runInBackground writes to a file after the response too, from this process
// and from a child.
func runInBackground(_ context.Context, ev event) (any, error) {
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
}

// allocate uses N MB of memory.
func allocate(ctx context.Context, ev event) (any, error) {
	block := make([]byte, ev.N<<20)
	for i := range block {
		block[i] = byte(i)
	}
	if ev.Text == "hold" {
		waitForFile(ctx, "absent")
	}
	return int(block[len(block)-1]), nil
}

// leaveFile leaves a temporary file, and then exits with N or hangs.
func leaveFile(_ context.Context, ev event) (any, error) {
	if err := os.WriteFile(filepath.Join(os.TempDir(), ev.Text), nil, 0o600); err != nil {
		return nil, err
	}
	if ev.N > 0 {
		os.Exit(ev.N)
	}
	select {}
}

// writeFile makes a file of N bytes without content, in the working directory
// if its name is relative. It returns the error as a text.
func writeFile(_ context.Context, ev event) (any, error) {
	if ev.Text == "temporary" {
		ev.File = filepath.Join(os.TempDir(), ev.File)
	}
	err := os.WriteFile(ev.File, nil, 0o600)
	if err == nil && ev.N > 0 {
		err = os.Truncate(ev.File, int64(ev.N))
	}
	if err != nil {
		return err.Error(), nil
	}
	return "", nil
}

// listFiles returns the temporary files, the log stream and the count.
func listFiles(context.Context, event) (any, error) {
	list, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	for i := range list {
		list[i] = filepath.Base(list[i])
	}
	return append(list, os.Getenv("AWS_LAMBDA_LOG_STREAM_NAME"), fmt.Sprint(count)), err
}

func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	fmt.Fprintln(f, line)
	return f.Close()
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
