//! Moments as signatures write them.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use crate::signing::SigningError;

/// A moment to the second, in UTC: `20150830T123600Z`.
///
/// What lies before 1970 or after 9999 is taken for the nearest end.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_apigw::signing::Timestamp;
///
/// let time = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160));
/// assert_eq!(time.as_str(), "20150830T123600Z");
/// assert_eq!(time.day(), "20150830");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp([u8; 16]);

const DAY: u64 = 24 * 60 * 60;
/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;
/// The days of 400 years, after which the calendar repeats itself.
const ERA: u64 = 146_097;

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let seconds = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().min(LAST));
        let (year, month, day) = date(seconds / DAY);
        let second = seconds % DAY;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let [a, b] = two(year / 100);
        let [c, d] = two(year % 100);
        let [e, f] = two(month);
        let [g, h] = two(day);
        let [i, j] = two(hour);
        let [k, l] = two(minute);
        let [m, n] = two(second);
        Self([a, b, c, d, e, f, g, h, b'T', i, j, k, l, m, n, b'Z'])
    }
}

fn two(number: u64) -> [u8; 2] {
    let digit = |digit: u64| b'0' + u8::try_from(digit % 10).unwrap_or_default();
    [digit(number / 10), digit(number)]
}

/// Year, month and day of a day since 1970. Years begin in March here, so that the day that is
/// not always there is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    // From the first of March in the year 0.
    let days = days + 719_468;
    let in_era = days % ERA;
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + days / ERA * 400 + u64::from(month <= 2);
    (year, month, day)
}

impl Timestamp {
    /// All of it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The day: the first eight digits.
    pub fn day(&self) -> &str {
        self.as_str().get(..8).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for Timestamp {
    type Err = SigningError;

    /// Reads the form of [`as_str`](Self::as_str). Whether there is such a day is not asked.
    fn from_str(text: &str) -> Result<Self, SigningError> {
        const WRONG: SigningError = SigningError::new("a time has the form 20150830T123600Z");
        let bytes: [u8; 16] = text.as_bytes().try_into().map_err(|_| WRONG)?;
        let fits = bytes.iter().enumerate().all(|(index, byte)| match index {
            8 => *byte == b'T',
            15 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
        if fits { Ok(Self(bytes)) } else { Err(WRONG) }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> String {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Timestamp::from(time).as_str().to_owned()
    }

    #[test]
    fn the_calendar() {
        assert_eq!(at(0), "19700101T000000Z");
        assert_eq!(at(951_782_399), "20000228T235959Z");
        assert_eq!(at(951_782_400), "20000229T000000Z");
        assert_eq!(at(951_868_800), "20000301T000000Z");
        assert_eq!(at(1_709_164_800), "20240229T000000Z");
        assert_eq!(at(1_735_689_599), "20241231T235959Z");
        assert_eq!(at(4_107_542_400), "21000301T000000Z");
        assert_eq!(at(LAST), "99991231T235959Z");
        assert_eq!(at(LAST + DAY), "99991231T235959Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Timestamp::from(before).as_str(), "19700101T000000Z");
        let read = "20240229T000000Z".parse::<Timestamp>().unwrap();
        assert_eq!(read.as_str(), at(1_709_164_800));
        for wrong in [
            "",
            "20240229T000000",
            "20240229 000000Z",
            "2024022aT000000Z",
        ] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = date(0);
        for days in 1..200_000 {
            let (year, month, day) = date(days);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let next = (year, month, day);
            let expected = match before {
                (y, 12, 31) => (y + 1, 1, 1),
                (y, 2, 28) if !leap => (y, 3, 1),
                (y, 2, 29) => (y, 3, 1),
                (y, m @ (4 | 6 | 9 | 11), 30) => (y, m + 1, 1),
                (y, m, 31) => (y, m + 1, 1),
                (y, m, d) => (y, m, d + 1),
            };
            assert_eq!(next, expected, "day {days}");
            before = next;
        }
    }
}
