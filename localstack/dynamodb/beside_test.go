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

// dynalitePackage is what the engine is measured beside.
const dynalitePackage = "dynalite@4.0.0"

const (
	besideClients = 8
	besidePhase   = 2 * time.Second
	besideItems   = 100_000
)

// BenchmarkBesideDynalite measures the engine and dynalite (npm, in memory, as
// it runs by default) in one run, each in a process of its own: 8 clients, items
// of 1 KiB, one global index of everything. Without npm, only the engine.
//
// Per second: put, get, query (20 items), transact (two puts); ratios beside
// dynalite; the 99th percentile of a put; and the resident memory after 100,000
// items more. dynalite has no transactions.
func BenchmarkBesideDynalite(b *testing.B) {
	ours := measure(b, start(b, exec.Command(os.Args[0], "-crashdir", b.TempDir())), true)
	for _, name := range []string{"put", "get", "query", "transact"} {
		b.ReportMetric(ours.perSecond[name], name+"/s")
	}
	b.ReportMetric(float64(ours.p99.Microseconds())/1000, "put-p99-ms")
	if ours.megabytes > 0 {
		b.ReportMetric(ours.megabytes, "MB")
	}
	b.ReportMetric(0, "ns/op")
	theirs := startDynalite(b)
	if theirs == nil {
		return
	}
	other := measure(b, theirs, false)
	for _, name := range []string{"put", "get", "query"} {
		b.ReportMetric(ours.perSecond[name]/other.perSecond[name], name+"-ratio")
	}
	if other.megabytes > 0 {
		b.ReportMetric(other.megabytes, "dynalite-MB")
	}
	b.ReportMetric(float64(other.p99.Microseconds())/1000, "dynalite-put-p99-ms")
}

// startDynalite installs dynalite into a temporary folder and runs it; nil if
// that cannot be done here.
func startDynalite(b *testing.B) *child {
	dir := b.TempDir()
	install := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", dynalitePackage)
	if out, err := install.CombinedOutput(); err != nil {
		b.Logf("without %s: %v %s", dynalitePackage, err, bytes.TrimSpace(out))
		return nil
	}
	return start(b, exec.Command("node", filepath.Join(dir, "node_modules", "dynalite", "cli.js"),
		"--host", "127.0.0.1", "--port", fmt.Sprint(freePort(b)), "--createTableMs", "0"))
}

// measured is what one server did.
type measured struct {
	perSecond map[string]float64
	p99       time.Duration // of a put
	megabytes float64       // resident; 0 where that cannot be told
}

func measure(b *testing.B, server *child, transactions bool) measured {
	b.Helper()
	defer server.kill()
	client := newRawClient(server.url, besideClients)
	if _, err := client.call("CreateTable", `{"TableName":"beside","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},{"AttributeName":"tag","AttributeType":"S"}],
		"GlobalSecondaryIndexes":[{"IndexName":"by-tag","KeySchema":[{"AttributeName":"tag","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]}`); err != nil {
		b.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		answer, err := client.call("DescribeTable", `{"TableName":"beside"}`)
		if err == nil && strings.Contains(answer, `"TableStatus":"ACTIVE"`) {
			break
		}
		if time.Now().After(deadline) {
			b.Fatalf("no table: %v", err)
		}
	}
	out := measured{perSecond: make(map[string]float64)}
	phase := func(name string, request func(i int) (operation, body string)) []time.Duration {
		took := besidePhaseOf(b, client, request)
		out.perSecond[name] = float64(len(took)) / besidePhase.Seconds()
		return took
	}
	puts := phase("put", func(i int) (string, string) { return "PutItem", `{"TableName":"beside","Item":` + besideItem(i) + `}` })
	out.p99 = puts[len(puts)*99/100]
	phase("get", func(int) (string, string) {
		i := rand.IntN(len(puts))
		return "GetItem", fmt.Sprintf(`{"TableName":"beside","Key":{"pk":{"S":"room%d"},"sk":{"N":"%d"}}}`, i%100, i/100)
	})
	phase("query", func(int) (string, string) {
		return "Query", fmt.Sprintf(`{"TableName":"beside","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"room%d"}},"Limit":20,"ScanIndexForward":false}`, rand.IntN(100))
	})
	if transactions {
		phase("transact", func(i int) (string, string) {
			return "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"beside","Item":` + besideItem(20_000_000+2*i) +
				`}},{"Put":{"TableName":"beside","Item":` + besideItem(20_000_001+2*i) + `}}]}`
		})
	}
	besideLoad(b, client)
	out.megabytes = residentMegabytes(server.pid)
	return out
}

// besideItem is an item of 1 KiB.
func besideItem(i int) string {
	return fmt.Sprintf(`{"pk":{"S":"room%d"},"sk":{"N":"%d"},"tag":{"S":"tag%d"},"body":{"S":"%s"}}`, i%100, i/100, i%1000, strings.Repeat("x", 980))
}

// besidePhaseOf sends requests with all clients for the time of a phase, and
// returns how long each took, in order of that.
func besidePhaseOf(b *testing.B, client *rawClient, request func(i int) (operation, body string)) []time.Duration {
	b.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var running sync.WaitGroup
	end := time.Now().Add(besidePhase)
	for c := range besideClients {
		running.Go(func() {
			var took []time.Duration
			for i := c; time.Now().Before(end); i += besideClients {
				operation, body := request(i)
				began := time.Now()
				if _, err := client.call(operation, body); err != nil {
					b.Error(err)
					return
				}
				took = append(took, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
		})
	}
	running.Wait()
	if len(all) == 0 {
		b.Fatal("nothing was answered")
	}
	slices.Sort(all)
	return all
}

// besideLoad puts the items whose memory is asked for, 25 at a time.
func besideLoad(b *testing.B, client *rawClient) {
	b.Helper()
	var running sync.WaitGroup
	for c := range besideClients {
		running.Go(func() {
			for batch := c; batch < besideItems/25; batch += besideClients {
				requests := make([]string, 25)
				for i := range requests {
					requests[i] = `{"PutRequest":{"Item":` + besideItem(10_000_000+batch*25+i) + `}}`
				}
				if _, err := client.call("BatchWriteItem", `{"RequestItems":{"beside":[`+strings.Join(requests, ",")+`]}}`); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

// residentMegabytes is the memory that a process has in use; 0 where the system
// does not tell it in /proc.
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

// freePort is a port that nobody listens on at this moment.
func freePort(b *testing.B) int {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
