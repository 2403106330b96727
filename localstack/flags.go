package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// usage is what -h prints.
const usage = `Runs an AWS SAM template on this machine: its WebSocket APIs, its Go functions
as processes, its DynamoDB tables and KMS keys in a folder, all on one port.

Usage: go run ./localstack [flags]

  -template FILE      the SAM or CloudFormation template (default template.yaml)
  -listen HOST:PORT   where to listen (default 127.0.0.1:4566); port 0 takes any
                      free one
  -data DIR           where tables, keys and built functions are kept (default
                      .sotto beside the template)
  -parameter KEY=VAL  value of a template parameter, instead of its default; may
                      be repeated
  -config-env NAME    take parameters from that environment of samconfig.toml
                      beside the template, which is not read otherwise
  -log text|json      form of what goes to stderr (default text)
  -allow-remote       let -listen be an address that other machines reach. They
                      can then do all that you can: read and write every table,
                      use every key, invoke every function. Nothing checks who
                      they are, and nothing is encrypted on the way.
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
	listen      string
	template    string
	data        string
	parameters  map[string]string
	configEnv   string
	json        bool
	allowRemote bool
}

// parseFlags reads the command line. Its error is flag.ErrHelp if help was
// asked for.
func parseFlags(args []string) (options, error) {
	o := options{parameters: make(map[string]string)}
	flags := flag.NewFlagSet("localstack", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints
	flags.StringVar(&o.template, "template", defaultTemplate, "")
	flags.StringVar(&o.listen, "listen", defaultListen, "")
	flags.StringVar(&o.data, "data", "", "")
	flags.StringVar(&o.configEnv, "config-env", "", "")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "")
	flags.Func("parameter", "", func(s string) error {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return errors.New("want KEY=VALUE")
		}
		o.parameters[key] = value
		return nil
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
		o.data = filepath.Join(filepath.Dir(o.template), dataFolder)
	}
	return o, nil
}
