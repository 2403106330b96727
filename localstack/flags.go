package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/stack"
)

// usage is what -h prints.
var usage = `Runs an AWS SAM template on this machine: its WebSocket APIs, its Go functions
as processes, its DynamoDB tables and KMS keys in a folder, all on one port.

Usage: go run ./localstack [flags]

  -template FILE      the SAM or CloudFormation template, or its folder (default
                      template.yaml, template.yml or template.json here)
  -listen HOST:PORT   the address to listen on (default 127.0.0.1:4566); port 0
                      takes any free one
  -endpoint URL       the AWS endpoint that functions use, such as a proxy that
                      records their requests (default: the stack itself)
  -data DIR           the folder of tables, keys and built functions (default
                      .sotto beside the template)
  -parameter KEY=VAL  the value of a template parameter, instead of its default;
                      may be repeated
  -account ID         the AWS account id, twelve digits (default 000000000000)
  -config-env NAME    take parameters from this environment of samconfig.toml
                      beside the template; without the flag the file is not read
  -web DIR            a folder of web client files to serve at /, under a strict
                      Content-Security-Policy (default clients/web/dist beside
                      the template, if it exists). /config.json has the
                      WebSocket's URL, unless the folder has that file
  -watch              build and deploy again when the template or a function's
                      source changes; WebSockets stay open
  -log text|json      the form of stderr (default text)
  -log-requests       also log each frame, post, invocation and database
                      request; the lines of one message have the same
                      invocation=ID
  -allow-remote       permit a -listen address that other machines reach. They
                      can then do all that you can: read and write every table,
                      use every key, invoke every function. Nothing checks who
                      they are, and nothing is encrypted on the way
  -allow-origin URL   let web pages of this origin, such as https://app.example,
                      open WebSockets; may be repeated. Without it only pages
                      of this machine can: any other page that you open in a
                      browser could use your stack. null allows pages from
                      files, * all pages, as AWS does
  -bridge NAME        also listen on the address of this network interface, such
                      as docker0, so that containers reach the stack. All of
                      that network's containers can then do all that you can,
                      and so can other machines that route packets to it
  -allow-network      let functions reach hosts other than AWS's. Without it the
                      proxy that they use refuses them with an explanation
  -table-delay TIME   how long a table or index that is created over the API is
                      CREATING (default 500ms; 0 for none). The template's
                      tables are active at once
  -processes N        how many function processes may run at once (default: as
                      many as the free memory has room for, at most 1000).
                      Invocations above it are throttled: 429, as above an
                      account's concurrency; events are retried
  -no-freeze          keep functions running between invocations, for debuggers
                      that a stopped process confuses
  -fault SPEC         make something fail on purpose; may be repeated. SPEC is
                      KIND[:TARGET][,table=NAME][,probability=0..1][,count=N]
                      [,delay=DURATION], such as
                      lambda.kill-during:sendMessage,probability=0.1,delay=20ms
                      KIND is lambda.kill-before, lambda.kill-during,
                      lambda.kill-after, lambda.lose-response, lambda.twice,
                      lambda.hold (TARGET: a function); dynamodb.throughput,
                      dynamodb.throttling, dynamodb.conflict, dynamodb.error,
                      dynamodb.lose-answer, dynamodb.late-error (TARGET: an
                      operation); gateway.delay, gateway.limit, gateway.gone,
                      gateway.drop (TARGET: a connection id). On a running
                      stack: /_localstack/faults; see docs/local-stack-faults.md
  -fault-seed N       decides the random choices of -fault (default: a random
                      seed, which is printed)
  -inferred NAME=VAL  choose the other behaviour where AWS documents none of API
                      Gateway's; may be repeated. They are described in
                      docs/local-stack-inferred.md.
                      NAME is ` + wrap(gateway.InferredNames(), 22, 80) + `
  -version            print the version
  -h                  print this text

When everything is ready, the addresses go to stdout. Progress and the
functions' logs go to stderr. Ctrl-C stops the stack; a second one ends it at
once. Exit status: 0 stopped, 1 something failed, 2 wrong flags or template.
`

// wrap joins words with commas, in lines of at most width columns that begin
// with indent spaces. The first line has begun already, with "NAME is ".
func wrap(words []string, indent, width int) string {
	var b strings.Builder
	column := indent + len("NAME is ")
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		switch {
		case i == 0:
		case column+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

const (
	defaultListen   = "127.0.0.1:4566" // the port that AWS emulators share
	defaultTemplate = "."
	// defaultTableDelay shows code that does not wait for a new table.
	defaultTableDelay = 500 * time.Millisecond
)

// options are the command line's.
type options struct {
	stack.Options
	json    bool
	watch   bool
	version bool
}

// parseFlags reads the command line. The error of -h is flag.ErrHelp.
func parseFlags(args []string) (options, error) {
	o := options{Options: stack.Options{Parameters: make(map[string]string)}}
	flags := flag.NewFlagSet("localstack", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints
	flags.StringVar(&o.Template, "template", defaultTemplate, "")
	flags.StringVar(&o.Listen, "listen", defaultListen, "")
	flags.Func("endpoint", "", o.setEndpoint)
	flags.StringVar(&o.Data, "data", "", "")
	flags.Func("account", "", o.setAccount)
	flags.StringVar(&o.Web, "web", "", "")
	flags.StringVar(&o.ConfigEnv, "config-env", "", "")
	flags.BoolVar(&o.LogRequests, "log-requests", false, "")
	flags.BoolVar(&o.watch, "watch", false, "")
	flags.BoolVar(&o.AllowRemote, "allow-remote", false, "")
	flags.Func("allow-origin", "", func(s string) error {
		s = strings.TrimSuffix(s, "/")
		o.AllowOrigins = append(o.AllowOrigins, s)
		return edge.CheckOrigin(s)
	})
	flags.StringVar(&o.Bridge, "bridge", "", "")
	flags.BoolVar(&o.AllowNetwork, "allow-network", false, "")
	flags.BoolVar(&o.NoFreeze, "no-freeze", false, "")
	flags.Func("processes", "", o.setProcesses)
	flags.DurationVar(&o.TableDelay, "table-delay", defaultTableDelay, "")
	flags.Func("parameter", "", func(s string) error {
		return keyValue(s, func(key, value string) error { o.Parameters[key] = value; return nil })
	})
	flags.Func("inferred", "", func(s string) error { return keyValue(s, o.Inferred.Set) })
	flags.Uint64Var(&o.FaultSeed, "fault-seed", 0, "")
	flags.Func("fault", "", func(s string) error {
		f, err := fault.Parse(s)
		o.Faults = append(o.Faults, f)
		return err
	})
	flags.Func("log", "", o.setLog)
	flags.BoolVar(&o.version, "version", false, "")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

// keyValue passes the parts of KEY=VALUE on.
func keyValue(s string, set func(key, value string) error) error {
	key, value, ok := strings.Cut(s, "=")
	if !ok || key == "" {
		return errors.New("want KEY=VALUE")
	}
	return set(key, value)
}

func (o *options) setEndpoint(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return errors.New("want http://HOST:PORT")
	}
	o.Endpoint = u.Scheme + "://" + u.Host
	return nil
}

func (o *options) setAccount(s string) error {
	if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		return errors.New("want twelve digits")
	}
	o.Account = s
	return nil
}

func (o *options) setProcesses(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errors.New("want a number from 1")
	}
	o.Processes = n
	return nil
}

func (o *options) setLog(s string) error {
	if s != "text" && s != "json" {
		return errors.New("want text or json")
	}
	o.json = s == "json"
	return nil
}
