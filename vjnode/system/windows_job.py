"""Limits that a process sets itself on Windows, by a job object that it puts itself into.

Structures and constants are those of Microsoft's winnt.h, of 64 bits. It has not run on Windows.
"""

import ctypes
from ctypes import c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import ClassVar

from vjnode.system.windows import Signatures, load_library

SIGNATURES: Signatures = {
    "CreateJobObjectW": (c_void_p, c_void_p, c_void_p),
    "SetInformationJobObject": (c_int32, c_void_p, c_int32, c_void_p, c_uint32),
    "AssignProcessToJobObject": (c_int32, c_void_p, c_void_p),
    "GetCurrentProcess": (c_void_p,),
    "CloseHandle": (c_int32, c_void_p),
}
"""Functions of kernel32.dll used here."""

EXTENDED_LIMIT_INFORMATION = 9
"""Number of ``ExtendedLimits`` among what a job can be told."""

LIMIT_PROCESS_TIME, LIMIT_ACTIVE_PROCESS, LIMIT_PROCESS_MEMORY = 0x2, 0x8, 0x100
LIMIT_DIE_ON_UNHANDLED_EXCEPTION = 0x400
"""Without it a crash could wait for somebody to close a window."""

TICKS_PER_S = 10_000_000
"""Windows counts time on the processor in 100 ns."""


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_: ClassVar = [
        ("process_time", c_int64),
        ("job_time", c_int64),
        ("flags", c_uint32),
        ("least_working_set", c_size_t),
        ("most_working_set", c_size_t),
        ("active_processes", c_uint32),
        ("affinity", c_size_t),
        ("priority_class", c_uint32),
        ("scheduling_class", c_uint32),
    ]


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_: ClassVar = [
        ("basic", BasicLimits),
        ("io", c_uint64 * 6),
        ("process_memory", c_size_t),
        ("job_memory", c_size_t),
        ("peak_process_memory", c_size_t),
        ("peak_job_memory", c_size_t),
    ]


_jobs: list[int] = []  # handles that are held to the end of the process


def limit_this_process(*, memory_bytes: int, cpu_s: int) -> bool:
    """Limit the memory of this process and its time on the processor; it can start no other one.

    memory_bytes: of what it has asked the system for; beyond it an allocation fails. cpu_s: time in
    its own code, s, after which it is ended.

    Returns: whether that was allowed.
    """
    kernel32 = load_library("kernel32", SIGNATURES)
    job = kernel32.CreateJobObjectW(None, None)
    if not job:
        return False
    limits = ExtendedLimits()
    limits.basic.flags = (
        LIMIT_PROCESS_TIME
        | LIMIT_ACTIVE_PROCESS
        | LIMIT_PROCESS_MEMORY
        | LIMIT_DIE_ON_UNHANDLED_EXCEPTION
    )
    limits.basic.process_time = cpu_s * TICKS_PER_S
    limits.basic.active_processes = 1
    limits.process_memory = memory_bytes
    told = kernel32.SetInformationJobObject(
        job, EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
    )
    if told and kernel32.AssignProcessToJobObject(job, kernel32.GetCurrentProcess()):
        _jobs.append(job)
        return True
    kernel32.CloseHandle(job)
    return False
