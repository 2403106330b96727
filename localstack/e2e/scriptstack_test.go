package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/rogpeppe/go-internal/testscript"
)

// These are the commands of scripts that use their own stack.

func cmdStack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || args[0] != "start" && len(args) > 1 {
		ts.Fatalf("usage: stack start [FLAG...] | stop | kill | restart")
	}
	s := stateOf(ts)
	if (args[0] == "start") == (s.stack != nil) {
		ts.Fatalf("stack %s: the script has its own stack already: %v", args[0], s.stack != nil)
	}
	switch args[0] {
	case "start":
		s.stack = &stack{template: ts.Getenv("TEMPLATE"), data: ts.Getenv("DATA"), flags: args[1:]}
		ts.Check(s.stack.copyFunctions())
		s.begin(ts)
	case "stop":
		ts.Check(s.stack.stop())
	case "kill":
		s.stack.kill()
	case "restart":
		if s.stack.running() {
			ts.Check(s.stack.stop())
		}
		s.begin(ts)
	default:
		ts.Fatalf("unknown command: stack %s", args[0])
	}
	work := ts.Getenv("WORK")
	ts.Check(os.WriteFile(filepath.Join(work, "stack.stdout"), []byte(s.stack.stdout.String()), 0o600))
	ts.Check(os.WriteFile(filepath.Join(work, "stack.stderr"), []byte(s.stack.stderr.String()), 0o600))
}

func (s *script) begin(ts *testscript.TestScript) {
	ts.Check(s.stack.start())
	ts.Setenv("URL", s.stack.webSocket)
	ts.Setenv("AWS_ENDPOINT_URL", s.stack.url)
	ts.Setenv("ADDRESS", s.stack.address)
}

// cmdFunctions waits for processes whose executables are below the data folder.
// It reads /proc, so scripts that use it run on Linux only.
func cmdFunctions(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "running" && args[0] != "gone" {
		ts.Fatalf("usage: functions running|gone")
	}
	below, err := filepath.EvalSymlinks(ts.Getenv("DATA"))
	ts.Check(err)
	var found []string
	if !eventually(func() bool {
		found = executablesBelow(below)
		return (len(found) > 0) == (args[0] == "running")
	}) {
		ts.Fatalf("timed out waiting for functions %s; got processes of %q", args[0], found)
	}
}

// executablesBelow returns the executables below a folder that processes run.
// The executable of a zombie cannot be read, so zombies do not count.
func executablesBelow(dir string) []string {
	var found []string
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is valid
	for _, link := range links {
		if exe, err := os.Readlink(link); err == nil && strings.HasPrefix(exe, dir+string(filepath.Separator)) {
			found = append(found, exe)
		}
	}
	return found
}

func cmdTables(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: tables")
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	client := dynamodb.NewFromConfig(awsConfig(ts.Getenv("AWS_ENDPOINT_URL")))
	items, err := allItems(ctx, client)
	ts.Check(err)
	for _, item := range items {
		fmt.Fprintln(ts.Stdout(), item)
	}
}

// allItems returns the items of all tables, each as the table's name and a line
// of JSON.
func allItems(ctx context.Context, client *dynamodb.Client) (items []string, err error) {
	tables, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return nil, err
	}
	for _, table := range tables.TableNames {
		pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{
			TableName:      &table,
			ConsistentRead: aws.Bool(true),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, item := range page.Items {
				line, err := json.Marshal(item)
				if err != nil {
					return nil, err
				}
				items = append(items, table+" "+string(line))
			}
		}
	}
	return items, nil
}

func cmdSocket(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: socket NAME open | send FILE | receive TYPE | closed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	s := stateOf(ts)
	name, verb, operands := args[0], args[1], args[2:]
	if verb == "open" {
		c, err := openSocket(ctx, ts.Getenv("URL"))
		ts.Check(err)
		s.sockets[name] = c
		return
	}
	c := s.sockets[name]
	if c == nil || neg || len(operands) != map[string]int{"send": 1, "receive": 1}[verb] {
		ts.Fatalf("usage: socket NAME open | send FILE | receive TYPE | closed")
	}
	switch verb {
	case "send":
		for line := range strings.Lines(ts.ReadFile(operands[0])) {
			ts.Check(c.send(ctx, strings.TrimSpace(line)))
		}
	case "receive":
		frame, err := c.receive(ctx, operands[0])
		ts.Check(err)
		fmt.Fprintln(ts.Stdout(), frame)
	case "closed":
		code, err := c.closed(ctx)
		ts.Check(err)
		fmt.Fprintln(ts.Stdout(), int(code))
	default:
		ts.Fatalf("unknown command: socket NAME %s", verb)
	}
}

func cmdSearch(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] search FILE PATH...")
	}
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	places := map[string][]string{}
	for _, path := range args[1:] {
		found, err := searchBytes(ts.MkAbs(path), lines...)
		ts.Check(err)
		for line, where := range found {
			places[line] = append(places[line], where...)
		}
	}
	for _, line := range lines {
		switch {
		case neg && len(places[line]) > 0:
			ts.Fatalf("found %q in %s, want it nowhere", line, strings.Join(places[line], ", "))
		case !neg && len(places[line]) == 0:
			ts.Fatalf("got no match of %q in %s, want one", line, strings.Join(args[1:], ", "))
		}
	}
}
