package sharevm.library;

import java.util.function.Consumer;
import java.util.function.IntConsumer;
import sharevm.machine.chip.uart16550.SerialSink;

/**
 * What a run is connected to.
 *
 * @param serial takes the serial port's output
 * @param debugConsole takes the bytes that the guest writes to port E9h
 * @param trace takes traced lines, from any thread
 * @param notices takes what the user should know of the run, in lines
 * @param progress is told of work before the run
 */
public record Attachments(
    SerialSink serial,
    IntConsumer debugConsole,
    Consumer<String> trace,
    Consumer<String> notices,
    Progress progress) {}
