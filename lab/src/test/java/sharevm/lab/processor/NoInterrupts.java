package sharevm.lab.processor;

import sharevm.cpu.InterruptController;

/** An interrupt controller that never has anything. */
public class NoInterrupts implements InterruptController {
  @Override
  public boolean pending() {
    return false;
  }

  @Override
  public int acknowledge() {
    return -1;
  }

  @Override
  public int taskPriority() {
    return 0;
  }

  @Override
  public void taskPriority(int priorityClass) {}

  @Override
  public boolean ownsMsr(int index) {
    return false;
  }

  @Override
  public long readMsr(int index) {
    return 0;
  }

  @Override
  public boolean writeMsr(int index, long value) {
    return false;
  }
}
