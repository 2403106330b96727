package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/script/*.txtar. Besides testscript's own commands
// and conditions there are:
//
//	[!] ada|bob|carol|mallory ARG... [<FILE] [&NAME&]
//	        sotto with the actor's --user, --profile and --url; stdin from a file
//	        (or stdout, the last command's); &NAME& runs it in the background.
//	[!] sotto ARG... [<FILE] [&NAME&]
//	        the same without these flags.
//	[!] localstack ARG... [&NAME&]
//	capture VARIABLE stdout|stderr REGEXP
//	        sets a variable to the first group of the match in the last output.
//	status N
//	        wants an exit status of the last of these commands.
//	waitfor NAME stdout|stderr REGEXP [COUNT]
//	        waits until a running command's output matches, COUNT times.
//	type NAME TEXT
//	        types a line into a running command; without TEXT, presses Ctrl-D.
//	interrupt NAME
//	        sends Ctrl-C.
//	[!] finish NAME
//	        waits until a running command exits; its output is then the last.
//	stack start [FLAG...] | stop | kill | restart
//	        a stack that only this script uses, over the data folder $DATA. Its
//	        output goes to stack.stdout and stack.stderr. Without it, scripts share
//	        one stack, and each uses names that no other has: $ada, $RUN.
//	functions running|gone
//	        waits until processes of $DATA's functions run, or none does.
//	[!] socket NAME open | send FILE | receive TYPE | closed
//	        opens a bare WebSocket to $URL, sends each line of a file as a frame,
//	        prints the next frame of a type, ignoring others, or waits until the
//	        connection is closed and prints the close code.
//	tables
//	        prints all items of all tables, through the DynamoDB API.
//	[!] search FILE PATH...
//	        finds every line of FILE (or none) in the bytes of the paths' files,
//	        plain or in base64, base64url or hexadecimal.
//
// $URL is the WebSocket's address, $AWS_ENDPOINT_URL that of the AWS APIs and
// $ADDRESS its HOST:PORT. $FREE is a HOST:PORT that no program uses. $TEMPLATE
// is this repository's template, or what the script sets it to before `stack
// start`.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ada":        actor("ada"),
			"bob":        actor("bob"),
			"carol":      actor("carol"),
			"mallory":    actor("mallory"),
			"sotto":      program(sottoBinary),
			"localstack": program(localstackBinary),
			"capture":    cmdCapture,
			"status":     cmdStatus,
			"waitfor":    cmdWaitfor,
			"type":       cmdType,
			"interrupt":  cmdInterrupt,
			"finish":     cmdFinish,
			"stack":      cmdStack,
			"functions":  cmdFunctions,
			"socket":     cmdSocket,
			"tables":     cmdTables,
			"search":     cmdSearch,
		},
	})
}

// script is the state of one script.
type script struct {
	status    int
	processes map[string]*process
	sockets   map[string]*socket
	stack     *stack // only of this script, or nil
}

// actors are the users of the scripts.
var actors = []string{"ada", "bob", "carol", "mallory"}

// forbiddenOutput lists what no command may ever print.
var forbiddenOutput = []string{"WARNING: DATA RACE", "panic: ", "goroutine 1 [", deniedOutput}

// deniedOutput is what the stack logs for a request that IAM denies. The
// template's functions never ask for what their policies do not allow.
const deniedOutput = `msg="permission denied"`

type scriptKey struct{}

func stateOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// runs counts the names that tests have taken on the shared stack.
var runs atomic.Int64

func setupScript(e *testscript.Env) error {
	from, err := shared()
	if err != nil {
		return err
	}
	if err := skipScript(e, from); err != nil {
		return err
	}
	free, err := freeAddress()
	if err != nil {
		return err
	}
	s := &script{processes: map[string]*process{}, sockets: map[string]*socket{}}
	e.Values[scriptKey{}] = s
	e.Defer(func() {
		if err := s.end(); err != nil {
			e.T().(testing.TB).Error(err)
		}
	})
	e.Setenv("RUN", fmt.Sprint(runs.Add(1)))
	for _, name := range actors {
		e.Setenv(name, name+"-"+e.Getenv("RUN"))
	}
	e.Setenv("TEMPLATE", filepath.Join(root, "template.yaml"))
	e.Setenv("DATA", filepath.Join(e.WorkDir, "data"))
	e.Setenv("FREE", free)
	e.Setenv("URL", from.webSocket)
	e.Setenv("AWS_ENDPOINT_URL", from.url)
	e.Setenv("ADDRESS", from.address)
	return nil
}

// end stops what the script has left running.
func (s *script) end() error {
	for _, c := range s.sockets {
		c.drop()
	}
	for _, p := range s.processes {
		p.kill()
	}
	if s.stack == nil || s.stack.process == nil {
		return nil
	}
	s.stack.kill()
	return s.stack.checkLog()
}

// actor returns the command of a user: sotto with the user's name and profile.
func actor(name string) func(*testscript.TestScript, bool, []string) {
	as := program(sottoBinary)
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) == 0 {
			ts.Fatalf("usage: %s COMMAND [ARG...]", name)
		}
		own := []string{"--user", ts.Getenv(name), "--profile",
			filepath.Join(ts.Getenv("WORK"), "profiles", name), "--url", ts.Getenv("URL")}
		as(ts, neg, slices.Concat(args[:1], own, args[1:]))
	}
}

// program returns a command that runs a binary until it exits, or in the
// background with &NAME&.
func program(binary func() (string, error)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		s := stateOf(ts)
		path, err := binary()
		ts.Check(err)
		name, stdin := "", ""
		if last := len(args) - 1; last >= 0 && len(args[last]) > 2 && args[last][0] == '&' &&
			strings.HasSuffix(args[last], "&") {
			name, args = strings.Trim(args[last], "&"), args[:last]
		}
		if last := len(args) - 1; last >= 0 && len(args[last]) > 1 && args[last][0] == '<' {
			stdin, args = args[last][1:], args[:last]
		}
		cmd := exec.Command(path, args...)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = os.Environ()
		home := filepath.Join(ts.Getenv("WORK"), "home")
		for _, variable := range []string{"XDG_CONFIG_HOME", "AppData"} { // os.UserConfigDir
			cmd.Env = append(cmd.Env, variable+"="+home)
		}
		p, err := startProcess(cmd, new(output), new(output))
		ts.Check(err)
		if name != "" && stdin == "" {
			if s.processes[name] != nil && s.processes[name].running() {
				ts.Fatalf("%s is running already", name)
			}
			s.processes[name] = p
			return
		}
		if stdin != "" {
			_, _ = p.stdin.Write([]byte(ts.ReadFile(stdin))) // it may exit before it has read all
		}
		_ = p.stdin.Close()
		if name != "" {
			s.processes[name] = p
			return
		}
		s.conclude(ts, p, neg)
	}
}

// conclude waits until a process exits and makes its output the last.
func (s *script) conclude(ts *testscript.TestScript, p *process, neg bool) {
	var err error
	s.status, err = p.wait()
	fmt.Fprint(ts.Stdout(), p.stdout)
	fmt.Fprint(ts.Stderr(), p.stderr)
	ts.Check(err)
	for _, sign := range forbiddenOutput {
		if strings.Contains(p.stderr.String(), sign) {
			ts.Fatalf("got %q in stderr, want none", sign)
		}
	}
	switch {
	case neg && s.status == 0:
		ts.Fatalf("got exit status 0, want a failure")
	case !neg && s.status != 0:
		ts.Fatalf("got exit status %d, want 0", s.status)
	}
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: status N")
	}
	if s := stateOf(ts); fmt.Sprint(s.status) != args[0] {
		ts.Fatalf("got exit status %d, want %s", s.status, args[0])
	}
}

// named returns a command that runs in the background.
func (s *script) named(ts *testscript.TestScript, name string) *process {
	p := s.processes[name]
	if p == nil {
		ts.Fatalf("no command %s is running", name)
	}
	return p
}

func cmdWaitfor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: waitfor NAME stdout|stderr REGEXP [COUNT]")
	}
	p := stateOf(ts).named(ts, args[0])
	stream := p.stdout
	if args[1] == "stderr" {
		stream = p.stderr
	}
	count := 1
	if len(args) == 4 {
		_, err := fmt.Sscan(args[3], &count)
		ts.Check(err)
	}
	pattern, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	matches := func() bool { return len(pattern.FindAllStringIndex(stream.String(), count)) == count }
	if !eventually(func() bool { return matches() || !p.running() }) || !matches() {
		ts.Fatalf("timed out waiting until %s %s matches %q (exited: %v)\nstdout:\n%sstderr:\n%s", args[0],
			args[1], args[2],
			!p.running(), p.stdout, p.stderr)
	}
}

func cmdType(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: type NAME [TEXT]")
	}
	p := stateOf(ts).named(ts, args[0])
	if len(args) == 1 {
		ts.Check(p.stdin.Close())
		return
	}
	_, err := p.stdin.Write([]byte(args[1] + "\n"))
	ts.Check(err)
}

func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: interrupt NAME")
	}
	ts.Check(stateOf(ts).named(ts, args[0]).interrupt())
}

func cmdFinish(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] finish NAME")
	}
	s := stateOf(ts)
	p := s.named(ts, args[0])
	delete(s.processes, args[0])
	_ = p.stdin.Close()
	s.conclude(ts, p, neg)
}
