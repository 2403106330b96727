package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/sotto-chat/sotto/localstack/fault"
)

// usage is what -h prints.
const usage = `Runs an AWS SAM template on this machine: its WebSocket APIs, its Go functions
as processes, its DynamoDB tables and KMS keys in a folder, all on one port.

Usage: go run ./localstack [flags]

  -template FILE      the SAM or CloudFormation template, or its folder (default
                      template.yaml)
  -listen HOST:PORT   where to listen (default 127.0.0.1:4566); port 0 takes any
                      free one
  -endpoint URL       the AWS endpoint that functions are told to use, such as a
                      proxy that records what they say (default the stack's)
  -data DIR           where tables, keys and built functions are kept (default
                      .sotto beside the template)
  -parameter KEY=VAL  value of a template parameter, instead of its default; may
                      be repeated
  -account ID         the account, twelve digits, in which everything lies
                      (default 000000000000)
  -config-env NAME    take parameters from that environment of samconfig.toml
                      beside the template, which is not read otherwise
  -web DIR            a folder of web client files, to serve at / under a strict
                      Content-Security-Policy (default clients/web/dist beside
                      the template, if it is there). /config.json tells the page
                      the WebSocket's URL, unless the folder has that file
  -watch              build and deploy again when the template or a function's
                      source changes; sockets stay open
  -log text|json      form of what goes to stderr (default text)
  -log-requests       a line also for every frame, post, invocation and database
                      request; the same invocation=ID links those of one message
  -allow-remote       let -listen be an address that other machines reach. They
                      can then do all that you can: read and write every table,
                      use every key, invoke every function. Nothing checks who
                      they are, and nothing is encrypted on the way.
  -allow-network      let functions reach hosts other than AWS's. Without it the
                      proxy that they are told to use refuses, and says so
  -fault SPEC         make something fail on purpose, to test against; may be
                      repeated. SPEC is KIND[:TARGET][,table=NAME]
                      [,probability=0..1][,count=N][,delay=DURATION], such as
                      lambda.kill-during:sendMessage,probability=0.1,delay=20ms
                      KIND is lambda.kill-before, lambda.kill-during,
                      lambda.kill-after, lambda.lose-response, lambda.twice,
                      lambda.hold (TARGET: a function); dynamodb.throughput,
                      dynamodb.throttling, dynamodb.conflict, dynamodb.error,
                      dynamodb.lose-answer, dynamodb.late-error (TARGET: an
                      operation); gateway.delay, gateway.limit, gateway.gone,
                      gateway.drop (TARGET: a connection's id). While it runs:
                      /_localstack/faults; see docs/local-stack-faults.md
  -fault-seed N       decides what -fault leaves to chance (default: a random
                      one, which is printed)
  -h                  this text

The addresses to use go to stdout once everything is ready; progress and the
functions' logs go to stderr. Ctrl-C stops in order, a second one at once.
Exit status: 0 stopped, 1 something failed, 2 wrong flags or template.
`

const (
	defaultListen   = "127.0.0.1:4566" // the port that AWS emulators share
	defaultTemplate = "template.yaml"
	dataFolder      = ".sotto"
)

type options struct {
	listen       string
	endpoint     string // empty: the stack itself
	template     string
	data         string
	web          string // empty: the default, if it is there
	parameters   map[string]string
	account      string
	configEnv    string
	json         bool
	watch        bool
	requests     bool
	allowRemote  bool
	allowNetwork bool
	faults       []fault.Fault
	faultSeed    uint64
}

// parseFlags reads the command line. Its error is flag.ErrHelp if help was
// asked for.
func parseFlags(args []string) (options, error) {
	o := options{parameters: make(map[string]string)}
	flags := flag.NewFlagSet("localstack", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints
	flags.StringVar(&o.template, "template", defaultTemplate, "")
	flags.StringVar(&o.listen, "listen", defaultListen, "")
	flags.Func("endpoint", "", func(s string) error {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
			strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return errors.New("want http://HOST:PORT")
		}
		o.endpoint = u.Scheme + "://" + u.Host
		return nil
	})
	flags.StringVar(&o.data, "data", "", "")
	flags.Func("account", "", func(s string) error {
		if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
			return errors.New("want twelve digits")
		}
		o.account = s
		return nil
	})
	flags.StringVar(&o.web, "web", "", "")
	flags.StringVar(&o.configEnv, "config-env", "", "")
	flags.BoolVar(&o.requests, "log-requests", false, "")
	flags.BoolVar(&o.watch, "watch", false, "")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "")
	flags.BoolVar(&o.allowNetwork, "allow-network", false, "")
	flags.Func("parameter", "", func(s string) error {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return errors.New("want KEY=VALUE")
		}
		o.parameters[key] = value
		return nil
	})
	flags.Uint64Var(&o.faultSeed, "fault-seed", 0, "")
	flags.Func("fault", "", func(s string) error {
		f, err := fault.Parse(s)
		o.faults = append(o.faults, f)
		return err
	})
	flags.Func("log", "", func(s string) error {
		if s != "text" && s != "json" {
			return errors.New("want text or json")
		}
		o.json = s == "json"
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.data == "" {
		o.data = filepath.Join(templateDir(o.template), dataFolder)
	}
	return o, nil
}

// templateDir is the folder of the template; -template may also name that.
func templateDir(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}
