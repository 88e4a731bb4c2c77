package sharevm.machine;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.Part;
import sharevm.machine.chip.power.PowerManagement;

/**
 * A virtual PC: built by {@link MachineBuilder}, started once, over when its guest or its owner
 * ends it. Any number of machines live in one Java virtual machine and share nothing.
 *
 * <p>Nothing that a guest does makes a method here throw.
 */
public final class Machine implements AutoCloseable {
  /** What is not a processor. */
  record Devices(
      Map<String, Part> parts,
      ReentrantLock lock,
      Clock clock,
      SerialInput serialInput,
      PowerManagement power) {}

  private final MachineSpec spec;
  private final Lifecycle lifecycle;
  private final List<Vcpu> vcpus;
  private final Devices devices;

  Machine(MachineSpec spec, Lifecycle lifecycle, List<Vcpu> vcpus, Devices devices) {
    this.spec = spec;
    this.lifecycle = lifecycle;
    this.vcpus = List.copyOf(vcpus);
    this.devices = devices;
  }

  /** Returns what the machine was built from. */
  public MachineSpec spec() {
    return spec;
  }

  /** Switches on. Once. */
  public void start() {
    lifecycle.start(false);
  }

  /** Switches on, but lets nothing run before {@link #resume}. Once. */
  public void startPaused() {
    lifecycle.start(true);
  }

  /** Makes processors and time stand still; both do when this returns. */
  public void pause() {
    lifecycle.pause();
  }

  /** Lets a paused machine run on. */
  public void resume() {
    lifecycle.resume();
  }

  /** Presses the reset button. */
  public void reset() {
    lifecycle.reset();
  }

  /** Pulls the plug. No effect if the run has ended. */
  public void stop() {
    lifecycle.stop();
  }

  /** Presses the power button: asks the guest to shut down; it may or may not. */
  public void pressPowerButton() {
    devices.lock().lock();
    try {
      devices.power().pressPowerButton();
    } finally {
      devices.lock().unlock();
    }
  }

  /** Returns the present state. */
  public Lifecycle.State state() {
    return lifecycle.state();
  }

  /** Returns how the run ended, once it has. */
  public CompletableFuture<Outcome> outcome() {
    return lifecycle.outcome();
  }

  /**
   * Starts the machine and waits until its run has ended; stops it if the waiting thread is
   * interrupted, which then stays so.
   */
  public Outcome run() {
    start();
    CompletableFuture<Outcome> end = outcome();
    try {
      return end.get();
    } catch (InterruptedException e) {
      stop();
      Outcome stopped = end.join();
      Thread.currentThread().interrupt();
      return stopped;
    } catch (ExecutionException e) {
      throw new IllegalStateException("an outcome is never an exception", e);
    }
  }

  /** Returns the way into the first serial port. */
  public SerialInput serialInput() {
    return devices.serialInput();
  }

  /** Returns counts of the run so far; while processors run they are a little behind. */
  public Statistics statistics() {
    return new Statistics(lifecycle.runNanos(), vcpus.stream().map(Vcpu::statistics).toList());
  }

  /**
   * Returns the state of a machine that stands still, without its RAM, which the caller saves
   * beside it.
   *
   * @throws IllegalStateException if the machine is neither paused nor new
   */
  public Snapshot save() {
    if (state() != Lifecycle.State.PAUSED && state() != Lifecycle.State.CREATED) {
      throw new IllegalStateException("only a paused machine can be saved; pause it first");
    }
    devices.lock().lock();
    try {
      return Snapshot.of(spec, devices.clock().nanos(), devices.parts(), vcpus);
    } finally {
      devices.lock().unlock();
    }
  }

  /**
   * Describes every processor's state in readable lines; exact only while the machine is paused.
   */
  public String describe() {
    StringBuilder text = new StringBuilder();
    for (Vcpu vcpu : vcpus) {
      text.append("processor ").append(vcpu.number).append('\n');
      text.append(CrashReport.describe(vcpu.cpu));
    }
    return text.toString();
  }

  /** Stops the machine, if it runs, and waits until nothing of it touches its memory. */
  @Override
  public void close() {
    stop();
    outcome().join();
  }
}
