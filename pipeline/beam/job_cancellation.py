"""Jobs at one of Beam's job servers."""

import logging

import grpc
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

_LOG = logging.getLogger(__name__)
_PATIENCE_SECONDS = 10
_ENDED = (
    beam_job_api_pb2.JobState.DONE,
    beam_job_api_pb2.JobState.FAILED,
    beam_job_api_pb2.JobState.CANCELLED,
)


def cancel_jobs(address: str, name: str) -> int:
    """Cancels the jobs of a name that have not ended; returns how many there were.

    A server that does not answer is told of in the log alone: this is done for runs that are ending for a reason of
    their own.

    Args:
        address: host:port of the job server.
        name: of the jobs.
    """
    cancelled = 0
    with grpc.insecure_channel(address) as channel:
        jobs = beam_job_api_pb2_grpc.JobServiceStub(channel)
        try:
            listed = jobs.GetJobs(beam_job_api_pb2.GetJobsRequest(), timeout=_PATIENCE_SECONDS).job_info
            for job in (job for job in listed if job.job_name == name and job.state not in _ENDED):
                jobs.Cancel(beam_job_api_pb2.CancelJobRequest(job_id=job.job_id), timeout=_PATIENCE_SECONDS)
                cancelled += 1
        except grpc.RpcError:
            _LOG.exception("jobs named %s at %s may still be under way", name, address)
    return cancelled
