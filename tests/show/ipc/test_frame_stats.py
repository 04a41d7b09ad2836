import pytest

from vjnode.show.ipc.frame_stats import GAPS, Meter


@pytest.fixture
def meter():
    meter = Meter()
    yield meter
    meter.close()


def test_a_steady_output(meter):
    for frame in range(601):
        meter.count(
            sent_s=10 + frame / 60, captured_s=10 + frame / 60 - 0.03, late=False, repeated=False
        )
    summary = meter.summary()
    assert summary["frames"] == 601
    assert summary["fps"] == pytest.approx(60, abs=0.01)
    assert summary["interval_ms"]["p50"] == pytest.approx(16.67, abs=0.06)
    assert summary["latency_ms"]["p99"] == pytest.approx(30, abs=0.06)


def test_a_picture_that_is_shown_again_has_one_delay_and_grows_older(meter):
    """Twenty pictures a second, each shown three times."""
    for frame in range(600):
        meter.count(
            sent_s=10 + frame / 60,
            captured_s=10 + frame // 3 / 20 - 0.03,
            late=False,
            repeated=frame % 3 > 0,
        )
    summary = meter.summary()
    assert (
        summary["latency_ms"]["p50"] == summary["latency_ms"]["max"] == pytest.approx(30, abs=0.1)
    )
    assert summary["age_ms"]["p50"] == pytest.approx(30 + 1e3 / 60, abs=0.1)
    assert summary["age_ms"]["max"] == pytest.approx(30 + 2e3 / 60, abs=0.1)


def test_one_gap_shows_in_the_maximum_and_not_in_the_median(meter):
    sent_s = 0.0
    for frame in range(1000):
        sent_s += 2.5 if frame == 500 else 0.01
        meter.count(sent_s=sent_s, captured_s=None, late=frame == 500, repeated=frame % 2 == 0)
    summary = meter.summary()
    assert summary["interval_ms"]["max"] == pytest.approx(2500)
    assert summary["interval_ms"]["p999"] <= 2500
    assert summary["interval_ms"]["p50"] == pytest.approx(10, abs=0.06)
    assert (summary["late"], summary["repeated"]) == (1, 500)
    assert summary["latency_ms"]["p50"] is None
    assert summary["gaps"] == [{"at_s": pytest.approx(4.99), "ms": 2500.0}]
    assert meter.summary(epoch_s=-1.0)["gaps"][0]["at_s"] == pytest.approx(6.0)


def test_a_night_of_gaps_keeps_the_newest(meter):
    for frame in range(200):
        meter.count(sent_s=frame, captured_s=None, late=True, repeated=True, standby=frame > 150)
    summary = meter.summary()
    assert [gap["at_s"] for gap in summary["gaps"]] == list(range(199 - GAPS, 199))
    assert summary["standby"] == 49


def test_what_is_no_gap_is_not_told(meter):
    for frame in range(200):
        meter.count(sent_s=0.25 * frame, captured_s=None, late=False, repeated=False)
    assert meter.summary()["gaps"] == []


def test_a_restarted_output_goes_on_counting(meter):
    meter.count(sent_s=1.0, captured_s=None, late=False, repeated=False)
    again = Meter(name=meter.name)
    again.count(sent_s=1.4, captured_s=None, late=False, repeated=False)
    again.close()
    assert meter.summary()["interval_ms"]["max"] == pytest.approx(400)


def away(meter, since_s, until_s):
    """An output that has nowhere to send to, but is handed 100 frames/s."""
    for frame in range(round(100 * since_s), round(100 * until_s)):
        meter.count(
            sent_s=frame / 100,
            captured_s=frame / 100,
            late=True,
            repeated=True,
            standby=True,
            missed=True,
        )


def there(meter, since_s, until_s):
    for frame in range(round(100 * since_s), round(100 * until_s)):
        meter.count(sent_s=frame / 100, captured_s=None, late=False, repeated=False)


def test_what_was_missed_was_not_sent_and_is_a_gap(meter):
    there(meter, 0, 10)
    away(meter, 10, 30)
    there(meter, 30, 40)
    summary = meter.summary()
    assert (summary["frames"], summary["missed"]) == (2000, 2000)
    assert summary["fps"] == pytest.approx(50, abs=0.1)
    assert summary["gaps"] == [{"at_s": 9.99, "ms": 20010.0}]
    assert (summary["late"], summary["repeated"], summary["standby"]) == (0, 0, 0)
    assert meter.sent == 4000  # its process lived


def test_who_is_away_at_the_end_was_away_until_then(meter):
    there(meter, 0, 10)
    away(meter, 10, 40)
    summary = meter.summary()
    assert summary["duration_s"] == pytest.approx(40, abs=0.02)
    assert summary["fps"] == pytest.approx(25, abs=0.1)
    assert summary["gaps"] == [{"at_s": 9.99, "ms": 30000.0}]


def test_an_output_that_sent_nothing_has_a_report_too(meter):
    assert meter.summary()["fps"] == 0.0
