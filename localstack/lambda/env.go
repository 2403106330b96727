package lambda

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Credentials are the credentials with which an instance signs its requests.
// They identify the caller and protect nothing.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// newCredentials derives the credentials of an instance from its function and
// its secret id.
func (s *Service) newCredentials(function, instance string) Credentials {
	derive := func(use string) []byte {
		sum := sha256.Sum256([]byte(strings.Join([]string{use, s.opt.Account, s.opt.Region, function,
			instance}, "\x00")))
		return sum[:]
	}
	return Credentials{
		AccessKeyID:     "ASIA" + base32.StdEncoding.EncodeToString(derive("access key id"))[:16],
		SecretAccessKey: base64.RawStdEncoding.EncodeToString(derive("secret access key"))[:40],
		SessionToken:    base64.StdEncoding.EncodeToString(derive("session token")),
	}
}

// Credentials returns the credentials of a running instance, by its id.
func (s *Service) Credentials(instance string) (c Credentials, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.instances[instance]
	if in == nil {
		return Credentials{}, false
	}
	return in.creds, true
}

// Caller returns the owner of an access key id: the function, and the
// invocation that its instance works on now. It returns false if no running
// instance has the key.
func (s *Service) Caller(accessKeyID string) (trace.Caller, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.keys[accessKeyID]
	if in == nil {
		return trace.Caller{}, false
	}
	c := trace.Caller{Function: in.fleet.fn.Name}
	if in.inv != nil {
		c.Invocation = in.inv.id
	}
	return c, true
}

// checkEnv returns an error for an Environment that Lambda would refuse at
// deployment.
func checkEnv(env map[string]string) error {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(env)) {
		if slices.Contains(awsname.ReservedVariables, key) {
			return fmt.Errorf("environment variable %s is reserved by Lambda", key)
		}
		if !awsname.VariableName.MatchString(key) {
			return fmt.Errorf("environment variable %q is not a letter followed by letters, digits and _", key)
		}
		size += len(key) + len(env[key])
	}
	if size > awsname.MaxEnvironmentBytes {
		return fmt.Errorf("environment variables take %d bytes, Lambda allows %d", size, awsname.MaxEnvironmentBytes)
	}
	return nil
}

// environment returns all variables of an instance's process. It has none of
// the host's variables, except for those that Windows needs.
func (in *instance) environment() []string {
	f := in.fleet
	opt := f.s.opt
	env := make(map[string]string)
	if runtime.GOOS == "windows" {
		env["PATH"], env["SystemRoot"] = os.Getenv("PATH"), os.Getenv("SystemRoot")
		env["TEMP"], env["TMP"] = in.tempDir, in.tempDir
	} else {
		env["PATH"] = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
		env["LD_LIBRARY_PATH"] = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
		env["TMPDIR"] = in.tempDir
	}
	maps.Copy(env, map[string]string{
		"LANG": "en_US.UTF-8",
		"TZ":   ":UTC",
		// Nothing listens there; the X-Ray SDK sends datagrams without waiting
		// for an answer. On AWS the address is link-local. That could be
		// another machine here, so it is the loopback address.
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":  "127.0.0.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
		"_AWS_XRAY_DAEMON_PORT":    "2000",
	})
	maps.Copy(env, f.fn.Env)
	maps.Copy(env, opt.Env)
	if opt.FunctionEnv != nil {
		maps.Copy(env, opt.FunctionEnv(f.fn.Name))
	}
	maps.Copy(env, map[string]string{
		"_HANDLER":                        f.fn.Handler,
		"AWS_REGION":                      opt.Region,
		"AWS_DEFAULT_REGION":              opt.Region,
		"AWS_ACCESS_KEY_ID":               in.creds.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           in.creds.SecretAccessKey,
		"AWS_SESSION_TOKEN":               in.creds.SessionToken,
		"AWS_LAMBDA_FUNCTION_NAME":        f.fn.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     latest,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.fn.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.fn.logGroup(),
		"AWS_LAMBDA_LOG_STREAM_NAME":      in.logStream,
		"AWS_LAMBDA_RUNTIME_API":          opt.RuntimeAPI + "/" + in.id,
		"LAMBDA_TASK_ROOT":                f.fn.Dir,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"AWS_LAMBDA_LOG_FORMAT":           f.fn.logFormat(),
	})
	if f.fn.Logging.JSON {
		env["AWS_LAMBDA_LOG_LEVEL"] = cmp.Or(f.fn.Logging.ApplicationLevel, "INFO")
	}
	list := make([]string, 0, len(env))
	for key, value := range env {
		list = append(list, key+"="+value)
	}
	return list
}
