// Package crashpoint marks the moments at which a process may be killed without
// losing anything, so that a test can kill it at each of them.
//
// The code that must survive calls Here around every durable step: before a
// file is written, after it is synced, after it is renamed, before and after a
// request. In a normal build Here is empty and costs nothing. Built with the
// tag crashpoints, the process counts the points it passes, and two environment
// variables say what happens at them:
//
//   - CFBOOT_CRASH_AT=N kills the process, as kill -9 does, at the Nth point
//     it passes, counted from 1;
//   - CFBOOT_CRASH_COUNT=FILE keeps the number of points passed so far in FILE,
//     so that a first run, which is not killed, says how many there are.
//
// A test runs once to count and then once for each number.
package crashpoint
