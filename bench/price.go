package main

import "time"

// What the platform charges for computing: 0.0000167 USD for a GB-second, the
// memory of the function times the time that an invocation takes, by the
// millisecond. Source: Tencent Cloud, Serverless Cloud Function, "Billing
// Overview" (document 583/17299), as updated on 2021-07-13. Invocations and the
// traffic are charged beside it.
const usdPerGBSecond = 0.0000167

// A function's share of a core grows with its memory: it has a whole one at
// 1280 MB. So 128 MB have a tenth of a core, a second of CPU time takes ten
// seconds there, and these are 10 s × 0.125 GB = 1.25 GB-seconds. With more
// memory it takes less time in the same proportion, so the product is the same
// for every function of up to 1280 MB.
const (
	mbPerCore             = 1280
	gbSecondsPerCPUSecond = mbPerCore / 1024.0
)

// usd is what CPU time costs. Time spent waiting for a server is not in it.
func usd(cpu time.Duration) float64 { return cpu.Seconds() * gbSecondsPerCPUSecond * usdPerGBSecond }
