/**
 * What lies between the processors and the chips: the map of physical memory, the two buses,
 * interrupt lines, time, tracing, and what every chip promises.
 *
 * <p>All chips of a machine run under one {@link java.util.concurrent.locks.ReentrantLock}, the
 * device lock: the buses take it around each access, {@link sharevm.machine.bus.Timers} around each
 * action. A chip therefore needs no lock of its own and may call any other through the interfaces
 * it was given.
 */
package sharevm.machine.bus;
