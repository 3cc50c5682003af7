package benchmark

import (
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// NoFaults in Config.Faults leaves the second table out.
const NoFaults = "none"

// Flags registers what can be chosen on any servers, with its defaults.
func (c *Config) Flags(f *pflag.FlagSet) {
	f.IntVar(&c.Records, "records", 200_000, "records of a turn")
	f.IntVar(&c.Rounds, "rounds", 5, "rounds that count")
	f.IntVar(&c.Warmup, "warmup", 2, "rounds before them")
	f.IntVar(&c.Partitions, "partitions", 4, "partitions of the topic")
	f.IntVar(&c.MaxMsgNum, "max-msg-num", 5000, "most records in an event, 1 to 10000")
	f.IntVar(&c.Instances, "instances", runtime.NumCPU(), "instances of the function with the trigger")
	f.StringSliceVar(&c.Faults, "faults", Faults(), "what is done to the servers, some of "+strings.Join(Faults(), ", ")+", or "+NoFaults)
	f.IntVar(&c.FaultRecords, "fault-records", 200_000, "records of a turn under a fault")
	f.DurationVar(&c.FaultTime, "fault-time", 10*time.Second, "how long the server is down or answers 429")
	f.StringVar(&c.ProfileDir, "profile", "", "write CPU profiles of the trigger and the function into the folder `DIR`, in one more turn")
}

// SetTool sets the command lines that lead to the built etlctl in the file path.
func (c *Config) SetTool(path string) {
	c.Tool = []string{path}
	c.Worker = []string{path, "bench", "worker"}
	c.Profiled = []string{path, "bench", "profiled"}
	c.ProfiledFunction = []string{path, "bench", "function"}
}
