package sharevm.machine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The life of a machine. One supervisor thread makes all transitions, so that none can cross
 * another; whoever wants one, a guest through a device or an owner, leaves a request.
 *
 * <pre>
 *            start              pause
 *   CREATED -------> RUNNING <---------> PAUSED
 *      |                |      resume       |
 *      +----------------+---- stop, end ----+-----> ENDED
 * </pre>
 *
 * <p>A reset happens in RUNNING or PAUSED and leaves the state as it is. Owners may call from any
 * thread but the machine's own; {@code request...} may be called from any thread and under any
 * lock.
 */
public final class Lifecycle {
  /** Where a machine is in its life. */
  public enum State {
    /** Built or restored, has not run yet. */
    CREATED,
    /** Its processors run, its time passes. */
    RUNNING,
    /** Processors and time stand still. */
    PAUSED,
    /** It is over for good. */
    ENDED
  }

  /**
   * The machine's side of the transitions; called on the supervisor with all processors at the
   * gate.
   */
  interface Hooks {
    /** Puts all parts and processors into their state after reset. */
    void reset();

    /** Releases what the machine holds of the host. */
    void ended();
  }

  private sealed interface Request {
    record Pause(CompletableFuture<Void> done) implements Request {}

    record Resume(CompletableFuture<Void> done) implements Request {}

    record ResetByOwner(CompletableFuture<Void> done) implements Request {}

    record ResetByGuest() implements Request {}

    record TripleFault(Vcpu vcpu) implements Request {}

    record End(Outcome outcome) implements Request {}
  }

  private final String name;
  private final boolean noReboot;
  private final Optional<Duration> timeout;
  private final MachineListener listener;
  private final LinkedBlockingQueue<Request> requests = new LinkedBlockingQueue<>();
  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
  private final Vcpu.Gate gate = new Vcpu.Gate(this::stop);
  private List<Vcpu> vcpus = List.of();
  private Pace pace;
  private Hooks hooks;
  private volatile State state = State.CREATED;
  private volatile long ranNanos;
  private volatile long runningSince;

  Lifecycle(String name, MachineSpec spec, MachineListener listener) {
    this.name = name;
    this.noReboot = spec.noReboot();
    this.timeout = spec.timeout();
    this.listener = listener;
  }

  /** Ties in what the builder made later; before {@link #start}. */
  void wire(List<Vcpu> processors, Pace machinePace, Hooks machineHooks) {
    vcpus = List.copyOf(processors);
    pace = machinePace;
    hooks = machineHooks;
  }

  Vcpu.Gate gate() {
    return gate;
  }

  /** Returns the present state. */
  public State state() {
    return state;
  }

  /** Returns how the machine's run ended, once it has. */
  public CompletableFuture<Outcome> outcome() {
    return outcome.copy();
  }

  /** Begins to run, or begins paused. Once. */
  synchronized void start(boolean paused) {
    if (state != State.CREATED || outcome.isDone()) {
      throw new IllegalStateException("the machine was started before");
    }
    state = State.PAUSED;
    for (Vcpu vcpu : vcpus) {
      vcpu.start(name);
    }
    Thread.ofPlatform().daemon().name(name + "-supervisor").start(() -> supervise(paused));
  }

  /** Stands still when this returns; no effect in any state but RUNNING. */
  public void pause() {
    ask(new Request.Pause(new CompletableFuture<>()));
  }

  /** Runs again; no effect in any state but PAUSED. */
  public void resume() {
    ask(new Request.Resume(new CompletableFuture<>()));
  }

  /** Resets the machine as its reset button does. */
  public void reset() {
    ask(new Request.ResetByOwner(new CompletableFuture<>()));
  }

  /** Ends the run, if it has not ended. */
  public void stop() {
    requestEnd(new Outcome.Stopped());
  }

  /** Asks for a reset on a guest's behalf. */
  public void requestReset() {
    requests.add(new Request.ResetByGuest());
  }

  /** Asks for the run to end. */
  public void requestEnd(Outcome how) {
    requests.add(new Request.End(how));
    if (state == State.CREATED) {
      synchronized (this) {
        if (state == State.CREATED) {
          finish(how);
        }
      }
    }
  }

  /** Asks for the run to end, or for a reset, since a processor is in shutdown. */
  void requestTripleFault(Vcpu vcpu) {
    requests.add(new Request.TripleFault(vcpu));
  }

  /** Returns nanoseconds of host time in which the machine was running. */
  long runNanos() {
    long since = runningSince;
    return ranNanos + (state == State.RUNNING ? System.nanoTime() - since : 0);
  }

  private void ask(Request request) {
    CompletableFuture<Void> done =
        switch (request) {
          case Request.Pause pause -> pause.done();
          case Request.Resume resume -> resume.done();
          case Request.ResetByOwner reset -> reset.done();
          default -> throw new IllegalArgumentException();
        };
    if (state == State.CREATED || outcome.isDone()) {
      return;
    }
    requests.add(request);
    CompletableFuture.anyOf(done, outcome).join();
  }

  private void supervise(boolean paused) {
    Outcome how;
    try {
      if (!paused) {
        go();
      }
      how = serve();
    } catch (RuntimeException | Error thrown) {
      Vcpu first = vcpus.getFirst();
      how = new Outcome.Crashed(CrashReport.bug(first.number, first.cpu, thrown));
    } catch (InterruptedException e) {
      how = new Outcome.Stopped();
    }
    finish(how);
  }

  private Outcome serve() throws InterruptedException {
    while (true) {
      Request request = next();
      switch (request) {
        case null -> {
          return new Outcome.TimedOut();
        }
        case Request.Pause pause -> {
          hold();
          pause.done().complete(null);
        }
        case Request.Resume resume -> {
          go();
          resume.done().complete(null);
        }
        case Request.ResetByOwner reset -> {
          resetAll();
          reset.done().complete(null);
        }
        case Request.ResetByGuest _ -> {
          if (noReboot) {
            return new Outcome.Reset();
          }
          resetAll();
        }
        case Request.TripleFault fault -> {
          if (noReboot) {
            return new Outcome.Crashed(
                CrashReport.tripleFault(fault.vcpu().number, fault.vcpu().cpu));
          }
          resetAll();
        }
        case Request.End end -> {
          return end.outcome();
        }
      }
    }
  }

  /** Returns the next request, or null when the time is over. */
  private Request next() throws InterruptedException {
    if (timeout.isEmpty()) {
      return requests.take();
    }
    long left = timeout.get().toNanos() - runNanos();
    // A guest that asks for one reset after the other must not push the end off.
    return left <= 0 ? null : requests.poll(left, TimeUnit.NANOSECONDS);
  }

  private void go() {
    if (state == State.PAUSED) {
      pace.start();
      runningSince = System.nanoTime();
      become(State.RUNNING);
      gate.open();
    }
  }

  private void hold() throws InterruptedException {
    if (state == State.RUNNING) {
      gatherProcessors();
      pace.stop();
      ranNanos = runNanos();
      become(State.PAUSED);
    }
  }

  private void gatherProcessors() throws InterruptedException {
    gate.close();
    vcpus.forEach(Vcpu::interrupt);
    gate.awaitAll(vcpus.size());
  }

  /** Resets; the time that it takes counts as running, since nobody has paused the machine. */
  private void resetAll() throws InterruptedException {
    boolean running = state == State.RUNNING;
    if (running) {
      gatherProcessors();
      pace.stop();
    }
    // Whatever the guest asked for before the reset concerns a machine that is no more.
    requests.removeIf(r -> r instanceof Request.ResetByGuest || r instanceof Request.TripleFault);
    hooks.reset();
    vcpus.forEach(Vcpu::repaired);
    listener.guestReset();
    if (running) {
      pace.start();
      gate.open();
    }
  }

  private void finish(Outcome how) {
    try {
      if (state == State.RUNNING) {
        gatherProcessors();
        pace.stop();
        ranNanos = runNanos();
      }
      gate.end();
      for (Vcpu vcpu : vcpus) {
        vcpu.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      become(State.ENDED);
      hooks.ended();
      outcome.complete(how);
    }
  }

  private void become(State next) {
    state = next;
    listener.stateChanged(next);
  }
}
