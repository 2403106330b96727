package stack

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// Options configure a [Stack]. Only Template is required.
type Options struct {
	// Template is the path of the SAM or CloudFormation template, or of the
	// folder that has a template.yaml, template.yml or template.json.
	Template string
	// Parameters are values of template parameters, instead of their defaults.
	Parameters map[string]string
	// ConfigEnv is the environment of samconfig.toml beside the template whose
	// parameters are used; the file is not read when empty.
	ConfigEnv string
	// Account is the AWS account id, twelve digits; 000000000000 when empty.
	Account string

	// Data is the folder of tables, keys and built functions. It is made if it
	// does not exist; empty means [DataFolder] beside the template.
	Data string
	// Listen is the address to listen on, HOST:PORT; empty means 127.0.0.1:0.
	// Port 0 takes any free one.
	Listen string
	// AllowRemote permits a Listen address that other machines reach. They can
	// then use the stack as its owner can.
	AllowRemote bool
	// Bridge is the name of a network interface, such as docker0, on whose IPv4
	// address the stack listens too, so that containers reach it. Whatever
	// reaches that address can use the stack as its owner can. Empty means
	// none.
	Bridge string
	// AllowOrigins are origins, such as https://app.example, whose web pages
	// may open WebSockets, besides the pages of this machine. "*" allows all,
	// as AWS does, and "null" pages from files.
	AllowOrigins []string
	// AllowNetwork lets functions reach hosts other than AWS's through the
	// proxy that they are configured to use.
	AllowNetwork bool
	// Endpoint is the URL, http://HOST:PORT, that functions use as the endpoint
	// of AWS; the stack's own when empty.
	Endpoint string
	// Web is a folder of web client files to serve at /; empty serves none. It
	// must have an index.html.
	Web string

	// Faults are enabled from the start; FaultSeed decides their chances, a
	// random one if it is 0.
	Faults    []fault.Fault
	FaultSeed uint64
	// Inferred changes behaviours of API Gateway that AWS does not document.
	Inferred gateway.Inferred
	// TableDelay is how long a table or a global index that is created over the
	// API is CREATING; none if it is 0. The SDKs' waiters ask again after 20 s.
	// The template's tables are active when the stack is ready.
	TableDelay time.Duration
	// Processes bounds the processes of all functions; invocations above it are
	// throttled. 0 means as many as the free memory has room for, at most 1000.
	Processes int
	// NoFreeze keeps the functions' processes running between invocations, for
	// debuggers that a stopped process confuses.
	NoFreeze bool

	// Log gets what goes wrong inside the stack; nil discards it.
	Log *slog.Logger
	// LogRequests adds a line to Log for each frame, post, invocation and
	// request. The lines of one message have the same invocation.
	LogRequests bool
	// Output gets the functions' log, one Write for each line; nil discards it.
	// See [lambda.Options].
	Output io.Writer
	// Line gets the functions' log in parts instead of Output. Calls do not
	// overlap.
	Line func(function, requestID, line string)
	// Progress gets a line of text for each step that the stack takes; nil
	// discards it. It may be called concurrently.
	Progress func(line string)
	// Fatal is called at most once, when the stack cannot store anything any
	// more, for example because the disk is full ([ErrDiskFull]). Everything
	// that was confirmed is stored, but requests and Close may never return, so
	// the process should end. Without Fatal the stack panics.
	Fatal func(error)
	// OnReload makes the stack watch its sources: [Stack.Wait] then deploys
	// again after each change of the template or of a function's module, and
	// calls OnReload with how long that took and its error.
	OnReload func(took time.Duration, err error)
}

// DataFolder is the default data folder, beside the template.
const DataFolder = ".sotto"

// OptionError is an error of the options or of the template. Another attempt
// with the same options fails in the same way.
type OptionError struct {
	// Option is the name of the field in [Options] and Value what it was; both
	// are empty for errors of the template.
	Option, Value string
	Err           error
}

func (e *OptionError) Error() string {
	if e.Option == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("option %s: %s: %v", e.Option, e.Value, e.Err)
}

func (e *OptionError) Unwrap() error { return e.Err }

func (o Options) withDefaults() (Options, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Data == "" {
		o.Data = filepath.Join(templateDir(o.Template), DataFolder)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	var err error
	if o.Data, err = filepath.Abs(o.Data); err != nil {
		return o, fmt.Errorf("locate the data folder: %w", err)
	}
	if o.Web == "" {
		return o, nil
	}
	if o.Web, err = filepath.Abs(o.Web); err != nil {
		return o, fmt.Errorf("locate the web client: %w", err)
	}
	return o, nil
}

// templateDir returns the folder of the template; path may also name that.
func templateDir(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// load reads the template and refuses what the services cannot run.
func (o Options) load() (*sam.Plan, error) {
	plan, err := sam.Load(sam.Options{
		Path:       o.Template,
		Parameters: o.Parameters,
		ConfigEnv:  o.ConfigEnv,
		Account:    o.Account,
		Check:      check,
	})
	if err != nil {
		return nil, &OptionError{Err: err}
	}
	return plan, nil
}
