package dynamodb

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// dynalitePackage is the npm package that the engine is compared with.
const dynalitePackage = "dynalite@4.0.0"

const (
	besideClients = 8
	besideRounds  = 4
	besidePhase   = 500 * time.Millisecond // one kind of request on one server in one round
	besideItems   = 100_000
)

// besidePhases are the kinds of requests. A query returns 20 items, a
// transaction has two puts.
var besidePhases = []string{"put", "get", "query", "transact"}

// BenchmarkBesideDynalite measures the engine and dynalite (npm) in turns, each
// in its own process: 8 clients, items of 1 KiB, one global index with all
// attributes. The engine syncs every commit to disk before it responds, as
// always; dynalite runs with its defaults and keeps its data in memory. Without
// npm only the engine is measured.
//
// It reports requests per second; the ratio of the engine to dynalite, which
// has no transactions; the 99th percentile of a put; and the resident memory
// after 100,000 more items.
func BenchmarkBesideDynalite(b *testing.B) {
	engine := start(b, exec.Command(os.Args[0], "-crashdir", b.TempDir()))
	servers := []*measured{{name: "", b: b, child: engine, phases: besidePhases}}
	if dynalite := startDynalite(b); dynalite != nil {
		servers = append(servers, &measured{name: "dynalite-", b: b, child: dynalite, phases: besidePhases[:3]})
	}
	for _, m := range servers {
		m.prepare()
	}
	for range besideRounds {
		for _, phase := range besidePhases {
			for _, m := range servers {
				m.run(phase)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, m := range servers {
		for _, phase := range m.phases {
			b.ReportMetric(m.perSecond(phase), m.name+phase+"/s")
		}
		b.ReportMetric(float64(m.p99("put").Microseconds())/1000, m.name+"put-p99-ms")
		m.load()
		if resident := residentMegabytes(m.child.pid); resident > 0 {
			b.ReportMetric(resident, m.name+"MB")
		}
		m.child.kill()
	}
	if len(servers) < 2 {
		return
	}
	for _, phase := range servers[1].phases {
		b.ReportMetric(servers[0].perSecond(phase)/servers[1].perSecond(phase), phase+"-ratio")
	}
}

// startDynalite installs dynalite into a temporary folder and runs it. It
// returns nil if npm fails.
func startDynalite(b *testing.B) *child {
	dir := b.TempDir()
	install := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund",
		"--ignore-scripts", dynalitePackage)
	if out, err := install.CombinedOutput(); err != nil {
		b.Logf("without %s: %v %s", dynalitePackage, err, bytes.TrimSpace(out))
		return nil
	}
	return start(b, exec.Command("node", filepath.Join(dir, "node_modules", "dynalite", "cli.js"),
		"--host", "127.0.0.1", "--port", fmt.Sprint(freePort(b)), "--createTableMs", "0"))
}

// measured is a server and the measurements of it.
type measured struct {
	name   string // prefix of its metrics
	b      *testing.B
	child  *child
	phases []string

	raw  *rawClient
	next map[string]int             // requests so far, by phase
	took map[string][]time.Duration // durations of all requests, by phase
}

// perSecond returns the requests of a kind that were answered per second.
func (m *measured) perSecond(phase string) float64 {
	return float64(len(m.took[phase])) / (besideRounds * besidePhase).Seconds()
}

func (m *measured) p99(phase string) time.Duration {
	slices.Sort(m.took[phase])
	return m.took[phase][len(m.took[phase])*99/100]
}

// prepare creates the table.
func (m *measured) prepare() {
	m.raw, m.next, m.took = newRawClient(m.child.url,
		besideClients), make(map[string]int), make(map[string][]time.Duration)
	if _, err := m.raw.call("CreateTable", `{"TableName":"beside","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},{"AttributeName":"tag","AttributeType":"S"}],
		"GlobalSecondaryIndexes":[{"IndexName":"by-tag","KeySchema":[{"AttributeName":"tag","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]}`); err != nil {
		m.b.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		answer, err := m.raw.call("DescribeTable", `{"TableName":"beside"}`)
		if err == nil && strings.Contains(answer, `"TableStatus":"ACTIVE"`) {
			return
		}
		if time.Now().After(deadline) {
			m.b.Fatalf("the table is not active after a minute: %v", err)
		}
	}
}

// request returns the request i of a kind.
func (m *measured) request(phase string, i int) (operation, body string) {
	switch phase {
	case "put":
		return "PutItem", `{"TableName":"beside","Item":` + besideItem(i) + `}`
	case "get":
		k := rand.IntN(m.next["put"])
		return "GetItem", fmt.Sprintf(`{"TableName":"beside","Key":{"pk":{"S":"room%d"},"sk":{"N":"%d"}}}`,
			k%100, k/100)
	case "query":
		return "Query", fmt.Sprintf(`{"TableName":"beside","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"room%d"}},"Limit":20,"ScanIndexForward":false}`, rand.IntN(100))
	}
	return "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"beside","Item":` + besideItem(20_000_000+2*i) +
		`}},{"Put":{"TableName":"beside","Item":` + besideItem(20_000_001+2*i) + `}}]}`
}

// run sends requests of a kind with all clients for besidePhase.
func (m *measured) run(phase string) {
	m.b.Helper()
	if !slices.Contains(m.phases, phase) {
		return
	}
	var mu sync.Mutex
	var running sync.WaitGroup
	first, most := m.next[phase], 0
	end := time.Now().Add(besidePhase)
	var all []time.Duration
	for c := range besideClients {
		running.Go(func() {
			var took []time.Duration
			i := first + c
			for ; time.Now().Before(end); i += besideClients {
				operation, body := m.request(phase, i)
				began := time.Now()
				if _, err := m.raw.call(operation, body); err != nil {
					m.b.Error(err)
					return
				}
				took = append(took, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			all, most = append(all, took...), max(most, i)
		})
	}
	running.Wait()
	m.raw.hangUp()
	if len(all) == 0 {
		m.b.Fatal("got no answer, want some")
	}
	m.next[phase], m.took[phase] = most, append(m.took[phase], all...)
}

// besideItem returns an item of 1 KiB as JSON.
func besideItem(i int) string {
	return fmt.Sprintf(`{"pk":{"S":"room%d"},"sk":{"N":"%d"},"tag":{"S":"tag%d"},"body":{"S":"%s"}}`,
		i%100, i/100, i%1000, strings.Repeat("x", 980))
}

// load puts besideItems items, 25 at a time, before the memory is measured.
func (m *measured) load() {
	m.b.Helper()
	var running sync.WaitGroup
	for c := range besideClients {
		running.Go(func() {
			for batch := c; batch < besideItems/25; batch += besideClients {
				requests := make([]string, 25)
				for i := range requests {
					requests[i] = `{"PutRequest":{"Item":` + besideItem(10_000_000+batch*25+i) + `}}`
				}
				if _, err := m.raw.call("BatchWriteItem",
					`{"RequestItems":{"beside":[`+strings.Join(requests, ",")+`]}}`); err != nil {
					m.b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

// residentMegabytes returns the resident memory of a process, or 0 on a system
// without /proc.
func residentMegabytes(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	var kilobytes float64
	fmt.Sscan(after, &kilobytes)
	return kilobytes / 1024
}

// freePort returns a port that is free at this moment.
func freePort(b *testing.B) int {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
