use super::*;

#[test]
fn a_cursor_leads_to_what_follows() {
    let window: Window<(i64, String)> = window(Some(2), None).unwrap();
    let rows: Vec<i64> = vec![9, 8, 7];
    let page = Page::of(rows, &window, |row| (*row, "a".to_owned()), |row| row * 10);
    assert_eq!(page.items, [90, 80]);
    let next = super::window::<(i64, String)>(Some(2), page.next_cursor.as_deref()).unwrap();
    assert_eq!(next.after, Some((8, "a".to_owned())));
    let last = Page::of(vec![7], &next, |row| (*row, String::new()), |row| row);
    assert_eq!((last.items, last.next_cursor), (vec![7], None));
}

#[test]
fn a_cursor_of_another_list_or_with_a_nul_is_refused() {
    for cursor in ["", "!", &seal(&"text"), &seal(&(1, "a\0b"))] {
        assert!(window::<(i64, String)>(None, Some(cursor)).is_err(), "{cursor}");
    }
}
